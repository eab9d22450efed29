// kernel.go owns the kernel's own file systems, limits and loopback in the initramfs; it never touches a drive.

package boot

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

const (
	openFilesSoft = 65536
	openFilesHard = 1 << 20
)

func mountKernel() error {
	for _, m := range []struct{ kind, target, options string }{
		{"devtmpfs", "/dev", "mode=755"},
		{"proc", "/proc", ""},
		{"sysfs", "/sys", ""},
		{"cgroup2", "/sys/fs/cgroup", ""},
	} {
		if err := os.MkdirAll(m.target, 0o755); err != nil {
			return err
		}
		var flags uintptr = unix.MS_NOSUID | unix.MS_NOEXEC
		if err := unix.Mount(m.kind, m.target, m.kind, flags, m.options); err != nil && !errors.Is(err, unix.EBUSY) {
			return fmt.Errorf("%s: %w", m.target, err)
		}
	}
	return nil
}

// openConsole puts stdout and stderr on the console where the kernel found none to open for us.
func openConsole() error {
	fd, err := unix.Open("/dev/console", unix.O_WRONLY|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		// A machine without a console still works.
		return nil
	}
	defer unix.Close(fd)
	return errors.Join(unix.Dup2(fd, 1), unix.Dup2(fd, 2))
}

func setLimits() error {
	if err := os.WriteFile("/proc/self/oom_score_adj", []byte("-1000"), 0); err != nil {
		return err
	}
	core := unix.Rlimit{Cur: 0, Max: unix.RLIM_INFINITY}
	files := unix.Rlimit{Cur: openFilesSoft, Max: openFilesHard}
	processes := unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}
	return errors.Join(
		unix.Setrlimit(unix.RLIMIT_CORE, &core),
		unix.Setrlimit(unix.RLIMIT_NOFILE, &files),
		unix.Setrlimit(unix.RLIMIT_NPROC, &processes),
	)
}

func bringUpLoopback() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	request, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	request.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, request)
}
