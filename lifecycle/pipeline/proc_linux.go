package pipeline

import (
	"bytes"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// stat reads session and start time of a process; zeros when there is none, or
// when it has ended and is only waited for.
func stat(pid int) (session int, birth uint64) {
	raw, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, 0
	}
	// The name in parentheses may hold anything: count fields from its end.
	_, rest, ok := bytes.Cut(raw[max(0, bytes.LastIndexByte(raw, ')')):], []byte(" "))
	fields := bytes.Fields(rest)
	if !ok || len(fields) < 20 || fields[0][0] == 'Z' || fields[0][0] == 'X' {
		return 0, 0
	}
	session, err = strconv.Atoi(string(fields[3]))
	if err != nil {
		return 0, 0
	}
	birth, err = strconv.ParseUint(string(fields[19]), 10, 64)
	if err != nil {
		return 0, 0
	}
	return session, birth
}

// birth is the kernel's start time of a process, 0 when there is none.
func birth(pid int) uint64 {
	_, b := stat(pid)
	return b
}

// killOrphans ends what a dead shim left behind: all that killLeft finds, and
// whoever else has the attempt's lock open. It is for the one engine of a data
// folder: nobody else opens that lock once the attempt has begun.
func killOrphans(at place, shim, _ marker) {
	lock, err := os.Stat(at.file(lockFile))
	killWhere(shim, func(pid, session int) bool {
		return session == shim.PID || bears(pid, at.mark()) || err == nil && holds(pid, lock)
	})
}

// killLeft ends what a step left behind when it ended: the processes in the
// session of its shim, and those that went into a session of their own and still
// bear the attempt in their environment.
func killLeft(at place, shim marker) {
	killWhere(shim, func(pid, session int) bool { return session == shim.PID || bears(pid, at.mark()) })
}

// killWhere ends processes that are younger than a shim, and looks again until it
// finds none, because one of them may just have forked. The number of a session is
// not given again while somebody is in it.
func killWhere(shim marker, left func(pid, session int) bool) {
	for range 20 {
		entries, err := os.ReadDir("/proc")
		if err != nil {
			return
		}
		found := false
		for _, e := range entries {
			pid, err := strconv.Atoi(e.Name())
			if err != nil || pid == shim.PID || pid == os.Getpid() {
				continue
			}
			if session, born := stat(pid); born != 0 && born >= shim.Birth && left(pid, session) {
				found = true
				syscall.Kill(pid, syscall.SIGKILL)
			}
		}
		if !found {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// bears reports whether a process was started with a variable.
func bears(pid int, variable string) bool {
	raw, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
	return err == nil && slices.Contains(strings.Split(string(raw), "\x00"), variable)
}

// holds reports whether a process has a file open.
func holds(pid int, file os.FileInfo) bool {
	dir := "/proc/" + strconv.Itoa(pid) + "/fd/"
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false
	}
	for _, e := range entries {
		if info, err := os.Stat(dir + e.Name()); err == nil && os.SameFile(info, file) {
			return true
		}
	}
	return false
}

// childAttr puts a step into a process group of its own that dies with its shim.
func childAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
