package pipeline

import (
	"syscall"
	"testing"
)

// A lock that was released is free, though a child that was just forked still has the file open.
func TestReleaseOfASharedLock(t *testing.T) {
	p := place(t.TempDir())
	lock, err := p.lock()
	if err != nil || lock == nil {
		t.Fatal(lock, err)
	}
	child, err := syscall.Dup(int(lock.Fd())) // what a fork does to it
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(child)
	release(lock)
	again, err := p.lock()
	if err != nil || again == nil {
		t.Fatal("the lock is held by nobody, and cannot be had", err)
	}
	release(again)
}
