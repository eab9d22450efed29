// mount.go owns putting the root together from the drives and taking it apart; it never writes files into it. Runs on the machine's thread.

package machine

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	sysroot = "/sysroot"
	// index and xino give stable inodes and whole hard links; metacopy would hide changes from a walk of the upper layer.
	overlayOptions = "redirect_dir=on,index=on,xino=on,metacopy=off"
)

// A layout is a root that is put together: descriptors of the folder it covers.
type layout struct {
	initramfs int
	drives    []string
	seed      bool
}

func putTogether(seed bool) (*layout, error) {
	l := &layout{initramfs: -1, seed: seed}
	err := l.mountAll(seed)
	if err == nil {
		return l, nil
	}
	return nil, errors.Join(err, unmountTree())
}

func (l *layout) mountAll(seed bool) error {
	if err := MountBase(); err != nil {
		return err
	}
	disk, err := l.drive(diskSerial)
	if err != nil {
		return err
	}
	if err := mountOn(disk, "/disk", "ext4", unix.MS_NOATIME, ""); err != nil {
		return err
	}
	if err := overlay("/base", "/disk/root", sysroot); err != nil {
		return err
	}
	if err := mountSystem(sysroot); err != nil {
		return err
	}
	return l.mountWorkspace(seed)
}

func (l *layout) mountWorkspace(seed bool) error {
	const workspace = sysroot + "/workspace"
	if !seed {
		return os.MkdirAll(workspace, 0o755)
	}
	device, err := l.drive(seedSerial)
	if err != nil {
		return err
	}
	if err := mountOn(device, "/seed", "squashfs", unix.MS_RDONLY, ""); err != nil {
		return err
	}
	return overlay("/seed", "/disk/workspace", workspace)
}

func (l *layout) drive(serial string) (string, error) {
	device, err := findDrive(serial)
	if err != nil {
		return "", err
	}
	l.drives = append(l.drives, device)
	return device, forget(device)
}

// enter makes the sysroot the root of the mount namespace. Moved rather than chrooted into: the kernel refuses
// user namespaces to programs in a chroot.
func (l *layout) enter() error {
	initramfs, err := unix.Open("/", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	l.initramfs = initramfs
	if err := unix.Chdir(sysroot); err != nil {
		return err
	}
	if err := unix.Mount(sysroot, "/", "", unix.MS_MOVE, ""); err != nil {
		return fmt.Errorf("move the root: %w", err)
	}
	return errors.Join(unix.Chroot("."), unix.Chdir("/"))
}

// takeApart goes back to the initramfs and unmounts everything, also what programs mounted.
func (l *layout) takeApart() error {
	// Otherwise an earlier try got this far.
	if l.initramfs >= 0 {
		if err := l.leave(); err != nil {
			return err
		}
	}
	if err := unmountTree(); err != nil {
		return err
	}
	for _, device := range l.drives {
		if err := errors.Join(released(device), forget(device)); err != nil {
			return err
		}
	}
	return nil
}

// leave goes back to the initramfs; what is mounted stays.
func (l *layout) leave() error {
	root, err := unix.Open("/", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(root)
	if err := unix.MoveMount(root, "", l.initramfs, sysroot[1:], unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		return fmt.Errorf("move the root back: %w", err)
	}
	if err := errors.Join(unix.Fchdir(l.initramfs), unix.Chroot(".")); err != nil {
		return err
	}
	unix.Close(l.initramfs)
	l.initramfs = -1
	return nil
}

func unmountTree() error {
	table, err := os.Open("/proc/thread-self/mountinfo")
	if err != nil {
		return err
	}
	targets, err := mountsUnder(table, sysroot, "/seed", "/disk")
	table.Close()
	if err != nil {
		return err
	}
	for _, target := range targets {
		if err := unix.Unmount(target, unix.UMOUNT_NOFOLLOW); err != nil {
			return fmt.Errorf("unmount %s: %w", target, err)
		}
	}
	return nil
}

// mountsUnder lists the mount points at or below folders, last mounted first.
func mountsUnder(table *os.File, folders ...string) ([]string, error) {
	byFolder := make([][]string, len(folders))
	lines := bufio.NewScanner(table)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 5 {
			continue
		}
		target := unescapeMount(fields[4])
		for i, folder := range folders {
			if target == folder || strings.HasPrefix(target, folder+"/") {
				byFolder[i] = append(byFolder[i], target)
			}
		}
	}
	var all []string
	for _, targets := range byFolder {
		slices.Reverse(targets)
		all = append(all, targets...)
	}
	return all, lines.Err()
}

// unescapeMount undoes the octal escapes of mountinfo.
func unescapeMount(text string) string {
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+4 <= len(text) {
			if n, err := strconv.ParseUint(text[i+1:i+4], 8, 8); err == nil {
				out.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		out.WriteByte(text[i])
	}
	return out.String()
}

// MountBase mounts the environment's image at /base, once for the life of the machine.
func MountBase() error {
	var stat unix.Statfs_t
	if err := unix.Statfs("/base", &stat); err == nil && stat.Type == unix.SQUASHFS_MAGIC {
		return nil
	}
	device, err := findDrive(baseSerial)
	if err != nil {
		return err
	}
	return mountOn(device, "/base", "squashfs", unix.MS_RDONLY, "")
}

func overlay(lower, layers, target string) error {
	upper, work := layers+"/upper", layers+"/work"
	for _, folder := range []string{upper, work, target} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
	}
	options := fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s,%s", lower, upper, work, overlayOptions)
	return mountOn("overlay", target, "overlay", unix.MS_NOATIME, options)
}

func mountOn(source, target, kind string, flags uintptr, options string) error {
	if err := os.MkdirAll(target, 0o755); err != nil {
		return err
	}
	if err := unix.Mount(source, target, kind, flags, options); err != nil {
		return fmt.Errorf("mount %s on %s: %w", kind, target, err)
	}
	return nil
}
