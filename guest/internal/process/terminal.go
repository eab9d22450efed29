// terminal.go owns opening and sizing pseudo-terminals; it never reads or writes them. open runs where the machine's root is the root.

package process

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	guestv1 "pyro/guest/internal/gen/pyro/guest/v1"
)

// openTerminal returns both ends, the second for the program.
func openTerminal(cols, rows uint32) (host, program int, err error) {
	host, err = unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return -1, -1, fmt.Errorf("open a terminal: %w", err)
	}
	program, err = terminalPeer(host, cols, rows)
	if err != nil {
		unix.Close(host)
		return -1, -1, fmt.Errorf("open a terminal: %w", err)
	}
	return host, program, nil
}

func terminalPeer(host int, cols, rows uint32) (int, error) {
	if err := unix.IoctlSetPointerInt(host, unix.TIOCSPTLCK, 0); err != nil {
		return -1, err
	}
	if err := resizeTerminal(host, cols, rows); err != nil {
		return -1, err
	}
	// By descriptor, so that no path inside the machine is followed.
	peer, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(host), unix.TIOCGPTPEER, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC)
	if errno != 0 {
		return -1, errno
	}
	return int(peer), nil
}

func resizeTerminal(fd int, cols, rows uint32) error {
	return unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Col: uint16(cols), Row: uint16(rows)})
}

func (r *record) resize(t *guestv1.Terminal) error {
	if r.terminal == nil {
		return errors.New("the process has no terminal")
	}
	return control(r.terminal, func(fd int) error { return resizeTerminal(fd, t.Cols, t.Rows) })
}

// control uses the descriptor of a file that may be closed meanwhile. File.Fd would make it blocking.
func control(file *os.File, f func(fd int) error) error {
	conn, err := file.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = conn.Control(func(fd uintptr) { failed = f(int(fd)) })
	return errors.Join(err, failed)
}
