// sandbox.go owns the tree of the one program that a sandbox is for: its whole pid namespace. It never signals outside of one.

package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	killPause = 5 * time.Millisecond
	// A pid namespace does not say when it is empty.
	lookPause = 100 * time.Millisecond
)

// SandboxTrees is for hosts without machines: the agent is alone with one program in a pid namespace, so that what
// the program started, also in other sessions and however fast it forks, is everyone but the agent and init.
type SandboxTrees struct {
	mu    sync.Mutex
	begun bool
}

// NewSandboxTrees refuses unless the agent is where only bubblewrap puts it: signals to everyone are sent from here.
func NewSandboxTrees() (*SandboxTrees, error) {
	name, err := os.ReadFile("/proc/1/comm")
	if err != nil {
		return nil, err
	}
	if os.Getpid() != 2 || os.Getppid() != 1 || !bytes.Equal(name, []byte("bwrap\n")) {
		return nil, errors.New("this is no sandbox of bubblewrap's")
	}
	return &SandboxTrees{}, nil
}

// New refuses a second program: it could not be told from the first one's children.
func (s *SandboxTrees) New() (Tree, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.begun {
		return nil, errors.New("a sandbox runs one program")
	}
	s.begun = true
	return sandboxTree{}, nil
}

func (s *SandboxTrees) KillAll(ctx context.Context) error {
	for (sandboxTree{}).Signal(unix.SIGKILL); othersLive(); {
		select {
		case <-ctx.Done():
			return fmt.Errorf("processes are still alive in the sandbox: %w", ctx.Err())
		case <-time.After(killPause):
		}
	}
	return nil
}

type sandboxTree struct{}

func (sandboxTree) Attach(*syscall.SysProcAttr) {}

func (sandboxTree) Started(int) {}

// Signal is one call, which spares the caller and init, and which no fork can overtake.
func (sandboxTree) Signal(signal syscall.Signal) bool { return unix.Kill(-1, signal) == nil }

func (sandboxTree) OutOfMemory() bool { return false }

func (sandboxTree) Settle() bool { return !othersLive() }

func (sandboxTree) Emptied() {
	for othersLive() {
		time.Sleep(lookPause)
	}
}

func (t sandboxTree) Release() { t.Signal(unix.SIGKILL) }

func othersLive() bool {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return false
	}
	for _, entry := range entries {
		if pid, err := strconv.Atoi(entry.Name()); err == nil && pid > 2 {
			return true
		}
	}
	return false
}
