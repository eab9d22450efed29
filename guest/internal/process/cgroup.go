// cgroup.go owns the control groups that hold programs, one each, and their reuse; it never looks at a program's output.

package process

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Making and removing a memory cgroup costs more than starting /bin/true: empty ones are kept for the next program.
const keptGroups = 8

// CgroupTrees keeps every program below one cgroup v2 folder.
type CgroupTrees struct {
	folder string
	mu     sync.Mutex
	made   int
	idle   []*group
}

type group struct {
	path string
	fd   int
	// oom_kill count left by earlier programs.
	oomBefore int
	// Everything in it was killed once: newer kernels kill also what is born into it later.
	killed atomic.Bool
}

// NewCgroupTrees takes a folder whose children have the memory controller.
func NewCgroupTrees(folder string) *CgroupTrees { return &CgroupTrees{folder: folder} }

func (c *CgroupTrees) New() (Tree, error) {
	g, err := c.take()
	if err != nil {
		return nil, err
	}
	return &cgroupTree{trees: c, group: g}, nil
}

// Warm makes one group ahead.
func (c *CgroupTrees) Warm() error {
	g, err := c.take()
	if err == nil {
		c.give(g)
	}
	return err
}

func (c *CgroupTrees) KillAll(ctx context.Context) error {
	c.mu.Lock()
	idle := c.idle
	c.idle = nil
	c.mu.Unlock()
	for _, g := range idle {
		g.remove()
	}
	if err := os.WriteFile(filepath.Join(c.folder, "cgroup.kill"), []byte("1"), 0); err != nil {
		return err
	}
	return waitUntilEmpty(ctx, c.folder)
}

func (c *CgroupTrees) take() (*group, error) {
	c.mu.Lock()
	if n := len(c.idle); n > 0 {
		g := c.idle[n-1]
		c.idle = c.idle[:n-1]
		c.mu.Unlock()
		return g, nil
	}
	c.made++
	path := filepath.Join(c.folder, "p"+strconv.Itoa(c.made))
	c.mu.Unlock()
	if err := os.Mkdir(path, 0o755); err != nil {
		return nil, fmt.Errorf("control group: %w", err)
	}
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("control group: %w", err)
	}
	return &group{path: path, fd: fd}, nil
}

func (c *CgroupTrees) give(g *group) {
	g.oomBefore = g.oomKills()
	c.mu.Lock()
	keep := len(c.idle) < keptGroups && !g.killed.Load()
	if keep {
		c.idle = append(c.idle, g)
	}
	c.mu.Unlock()
	if !keep {
		g.remove()
	}
}

func (g *group) remove() {
	unix.Close(g.fd)
	_ = os.Remove(g.path)
}

type cgroupTree struct {
	trees *CgroupTrees
	mu    sync.Mutex
	// nil once given back.
	group *group
	// Emptied gives it back, and nobody else.
	waited bool
}

func (t *cgroupTree) Attach(attr *syscall.SysProcAttr) {
	attr.UseCgroupFD = true
	attr.CgroupFD = t.group.fd
}

func (t *cgroupTree) Started(int) {}

func (t *cgroupTree) Signal(signal syscall.Signal) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.group == nil || t.group.empty() {
		return false
	}
	if signal == unix.SIGKILL {
		return t.group.kill() == nil
	}
	reached := false
	for _, pid := range bytes.Fields(t.group.read("cgroup.procs")) {
		if n, err := strconv.Atoi(string(pid)); err == nil && n > 1 && unix.Kill(n, signal) == nil {
			reached = true
		}
	}
	return reached
}

func (t *cgroupTree) OutOfMemory() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.group != nil && t.group.oomKills() > t.group.oomBefore
}

func (t *cgroupTree) Settle() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.group == nil {
		return true
	}
	if !t.group.empty() {
		t.waited = true
		return false
	}
	t.trees.give(t.group)
	t.group = nil
	return true
}

func (t *cgroupTree) Emptied() {
	t.mu.Lock()
	g := t.group
	t.mu.Unlock()
	if g == nil || waitUntilEmpty(context.Background(), g.path) != nil {
		return
	}
	t.mu.Lock()
	t.group = nil
	t.mu.Unlock()
	t.trees.give(g)
}

func (t *cgroupTree) Release() {
	t.mu.Lock()
	g, waited := t.group, t.waited
	if !waited {
		t.group = nil
	}
	t.mu.Unlock()
	if g == nil {
		return
	}
	_ = g.kill()
	if waited {
		return
	}
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		// One that will not empty is abandoned, with its folder.
		if waitUntilEmpty(ctx, g.path) == nil {
			t.trees.give(g)
		}
	}()
}

func (g *group) kill() error {
	g.killed.Store(true)
	fd, err := unix.Openat(g.fd, "cgroup.kill", unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	_, err = unix.Write(fd, []byte("1"))
	return err
}

func (g *group) read(name string) []byte {
	fd, err := unix.Openat(g.fd, name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	file := os.NewFile(uintptr(fd), name)
	defer file.Close()
	if name == "cgroup.procs" {
		var all bytes.Buffer
		_, _ = all.ReadFrom(file)
		return all.Bytes()
	}
	buffer := make([]byte, 512)
	n, _ := file.Read(buffer)
	return buffer[:max(n, 0)]
}

func (g *group) empty() bool { return counter(g.read("cgroup.events"), "populated") == 0 }

func (g *group) oomKills() int { return counter(g.read("memory.events"), "oom_kill") }

// counter finds "name value" in the lines of a cgroup file; 0 when it is not there.
func counter(text []byte, name string) int {
	for line := range bytes.Lines(text) {
		fields := bytes.Fields(line)
		if len(fields) == 2 && string(fields[0]) == name {
			n, _ := strconv.Atoi(string(fields[1]))
			return n
		}
	}
	return 0
}

// waitUntilEmpty sleeps in poll(2): the kernel announces every change of cgroup.events with POLLPRI.
func waitUntilEmpty(ctx context.Context, path string) error {
	fd, err := unix.Open(filepath.Join(path, "cgroup.events"), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	buffer := make([]byte, 512)
	// Bounded, so that the context is looked at, unless it never ends.
	timeout := 100
	if ctx.Done() == nil {
		timeout = -1
	}
	for {
		n, err := unix.Pread(fd, buffer, 0)
		if err != nil {
			return err
		}
		if counter(buffer[:n], "populated") == 0 {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("processes are still alive in %s: %w", path, err)
		}
		_, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLPRI}}, timeout)
	}
}
