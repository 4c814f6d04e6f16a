package app

import "syscall"

// free is what is left on the disk of a folder, in bytes; 0 where that is not known.
func free(dir string) int64 {
	var st syscall.Statfs_t
	if syscall.Statfs(dir, &st) != nil {
		return 0
	}
	return int64(st.Bavail) * int64(st.Bsize)
}
