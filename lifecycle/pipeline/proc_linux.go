package pipeline

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
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

// killOrphans ends the processes that a dead shim left in its session. The
// number of a session is not given again while somebody is in it.
func killOrphans(shim marker, _ marker) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if session, born := stat(pid); session == shim.PID && born >= shim.Birth {
			syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

// childAttr puts a step into a process group of its own that dies with its shim.
func childAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
