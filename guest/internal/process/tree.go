// tree.go owns what "everything that a program started" means; the implementations are cgroup.go and, without cgroups, this file.

package process

import (
	"context"
	"syscall"

	"golang.org/x/sys/unix"
)

// Trees makes one Tree for every program.
type Trees interface {
	New() (Tree, error)
	// KillAll kills every process of every tree and waits until they are gone.
	KillAll(ctx context.Context) error
}

// Tree is a program with everything that it started.
type Tree interface {
	// Attach prepares the start so that the program is born inside the tree.
	Attach(attr *syscall.SysProcAttr)
	// Started tells the pid of the program.
	Started(pid int)
	// Signal reaches every process; false when there is none left.
	Signal(signal syscall.Signal) bool
	// OutOfMemory tells whether the kernel killed one of its processes for lack of memory.
	OutOfMemory() bool
	// Settle gives the tree back if it is empty; false where something is left of it. Called after the program has ended.
	Settle() bool
	// Emptied waits, after Settle was false, until nothing is left, and gives the tree back.
	Emptied()
	// Release kills what is left and gives the tree back.
	Release()
}

// GroupTrees are process groups: for hosts without cgroups. A process that leaves its group escapes.
type GroupTrees struct{}

func (GroupTrees) New() (Tree, error) { return &groupTree{}, nil }

func (GroupTrees) KillAll(context.Context) error { return nil }

type groupTree struct{ pid int }

func (t *groupTree) Attach(*syscall.SysProcAttr) {}

func (t *groupTree) Started(pid int) { t.pid = pid }

func (t *groupTree) Signal(signal syscall.Signal) bool {
	return t.pid > 0 && unix.Kill(-t.pid, signal) == nil
}

func (t *groupTree) OutOfMemory() bool { return false }

// Settle: who left the group cannot be told from who ended.
func (t *groupTree) Settle() bool { return true }

func (t *groupTree) Emptied() {}

func (t *groupTree) Release() { t.Signal(unix.SIGKILL) }
