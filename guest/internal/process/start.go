// start.go owns the start of one program: pipes or terminal, tree, fork; it never waits for its end.

package process

import (
	"errors"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	guestv1 "pyro/guest/internal/gen/pyro/guest/v1"
)

// Root runs f on a thread whose root folder and mounts are the machine's.
type Root interface {
	Run(f func() error) error
}

// HostRoot is the root the agent itself has: for tests and for hosts without a machine.
type HostRoot struct{}

func (HostRoot) Run(f func() error) error { return f() }

// Descriptors of one start. Ours are non-blocking, the program's are blocking and closed after the fork.
type descriptors struct {
	ours    []int
	program [3]int
}

func (s *Service) start(r *record, request *guestv1.StartRequest) error {
	tree, err := s.trees.New()
	if err != nil {
		return err
	}
	var d descriptors
	pidfd := -1
	err = s.root.Run(func() error {
		var err error
		r.pid, d, err = s.fork(request, tree, &pidfd)
		return err
	})
	if err != nil {
		tree.Release()
		return err
	}
	r.tree = tree
	tree.Started(r.pid)
	r.connect(d, request)
	for _, source := range r.sources {
		go source.pump()
	}
	go r.await(pidfd)
	r.limit(time.Duration(min(request.TimeoutMs, maxTimeoutMs)) * time.Millisecond)
	return nil
}

// fork runs on the machine's thread.
func (s *Service) fork(request *guestv1.StartRequest, tree Tree, pidfd *int) (pid int, d descriptors, err error) {
	argv := request.Argv
	if err := folder(request.Cwd); err != nil {
		return 0, d, err
	}
	path, err := lookup(argv[0], request.Cwd, request.Env)
	if err != nil {
		return 0, d, err
	}
	opened, err := open(request)
	if err != nil {
		return 0, d, err
	}
	defer opened.closeProgram()
	attr := &syscall.ProcAttr{
		Dir:   request.Cwd,
		Env:   request.Env,
		Files: []uintptr{uintptr(opened.program[0]), uintptr(opened.program[1]), uintptr(opened.program[2])},
		Sys:   &syscall.SysProcAttr{Setsid: true, Setctty: request.Terminal != nil, PidFD: pidfd},
	}
	tree.Attach(attr.Sys)
	// Children must not inherit the agent's protection from the out-of-memory killer.
	s.exposed(func() {
		pid, err = syscall.ForkExec(path, argv, attr)
		if err == syscall.ENOEXEC {
			if path, argv, err = interpret(path, argv); err == nil {
				pid, err = syscall.ForkExec(path, argv, attr)
			}
		}
	})
	if err != nil {
		opened.closeOurs()
		var r *refusal
		if !errors.As(err, &r) {
			err = explain(request.Argv, err)
		}
		return 0, d, err
	}
	return pid, opened, nil
}

// open makes stdin, stdout and stderr: ours are in that order, without stdin when it is /dev/null.
func open(request *guestv1.StartRequest) (d descriptors, err error) {
	d.program = [3]int{-1, -1, -1}
	defer func() {
		if err != nil {
			d.closeOurs()
			d.closeProgram()
		}
	}()
	if t := request.Terminal; t != nil {
		host, program, err := openTerminal(t.Cols, t.Rows)
		if err != nil {
			return d, err
		}
		d.ours = []int{host}
		d.program = [3]int{program, program, program}
		return d, nil
	}
	if request.Stdin {
		var pipe [2]int
		if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
			return d, err
		}
		d.program[0] = pipe[0]
		d.ours = append(d.ours, pipe[1])
	} else if d.program[0], err = unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
		return d, err
	}
	for i := 1; i <= 2; i++ {
		var pipe [2]int
		if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
			return d, err
		}
		d.program[i] = pipe[1]
		d.ours = append(d.ours, pipe[0])
	}
	for _, fd := range d.ours {
		if err := unix.SetNonblock(fd, true); err != nil {
			return d, err
		}
	}
	return d, nil
}

// connect turns our ends into sources and input.
func (r *record) connect(d descriptors, request *guestv1.StartRequest) {
	ours := d.ours
	if request.Terminal != nil {
		r.terminal = os.NewFile(uintptr(ours[0]), "terminal")
		r.input = &input{file: r.terminal, terminal: true}
		r.sources = []*source{newSource(r.terminal, ours[0], true, r.stdout)}
		return
	}
	if request.Stdin {
		r.input = &input{file: os.NewFile(uintptr(ours[0]), "stdin")}
		ours = ours[1:]
	}
	r.sources = []*source{
		newSource(os.NewFile(uintptr(ours[0]), "stdout"), ours[0], false, r.stdout),
		newSource(os.NewFile(uintptr(ours[1]), "stderr"), ours[1], false, r.stderr),
	}
}

func (d *descriptors) closeOurs() {
	for _, fd := range d.ours {
		unix.Close(fd)
	}
}

func (d *descriptors) closeProgram() {
	for i, fd := range d.program {
		if fd >= 0 && (i == 0 || fd != d.program[0]) {
			unix.Close(fd)
		}
	}
}
