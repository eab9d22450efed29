// system.go owns /proc, /sys, /dev and /run inside the machine's root; it never touches a drive.

package machine

import (
	"os"

	"golang.org/x/sys/unix"
)

type node struct {
	name         string
	major, minor uint32
}

func mountSystem(root string) error {
	const safe = unix.MS_NOSUID | unix.MS_NOEXEC | unix.MS_NODEV
	for _, m := range []struct {
		kind, target, options string
		flags                 uintptr
	}{
		{"proc", "/proc", "", safe},
		{"sysfs", "/sys", "", safe},
		{"cgroup2", "/sys/fs/cgroup", "", safe},
		{"tmpfs", "/dev", "mode=755", unix.MS_NOSUID | unix.MS_NOEXEC},
		{"devpts", "/dev/pts", "newinstance,ptmxmode=0666,mode=620,gid=5", unix.MS_NOSUID | unix.MS_NOEXEC},
		{"tmpfs", "/dev/shm", "mode=1777", unix.MS_NOSUID | unix.MS_NODEV},
		{"tmpfs", "/run", "mode=755", unix.MS_NOSUID | unix.MS_NODEV},
	} {
		if err := mountOn(m.kind, root+m.target, m.kind, m.flags, m.options); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(root+"/tmp", 0o777); err != nil {
		return err
	}
	// Most images have it right: a change of mode would copy the folder up.
	if tmp, err := os.Stat(root + "/tmp"); err != nil || tmp.Mode() != os.ModeDir|os.ModeSticky|0o777 {
		if err := os.Chmod(root+"/tmp", 0o777|os.ModeSticky); err != nil {
			return err
		}
	}
	return makeDevices(root + "/dev")
}

func makeDevices(dev string) error {
	for _, n := range []node{
		{"null", 1, 3}, {"zero", 1, 5}, {"full", 1, 7}, {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0},
		{"fuse", 10, 229},
	} {
		path := dev + "/" + n.name
		if err := unix.Mknod(path, unix.S_IFCHR|0o666, int(unix.Mkdev(n.major, n.minor))); err != nil {
			return err
		}
		// The umask may have taken bits away.
		if err := unix.Chmod(path, 0o666); err != nil {
			return err
		}
	}
	for name, target := range map[string]string{
		"ptmx": "pts/ptmx", "fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2",
	} {
		if err := os.Symlink(target, dev+"/"+name); err != nil {
			return err
		}
	}
	return nil
}
