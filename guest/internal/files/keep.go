// keep.go owns what a file keeps when other content takes its place: owner and extended attributes; it never touches content.

package files

import (
	"bytes"
	"errors"

	"golang.org/x/sys/unix"
)

const (
	// As the kernel's own bounds, in bytes.
	maxAttributeList = 64 << 10
	maxAttribute     = 64 << 10
	// Goes with every write, as the kernel has it.
	xattrCapability = "security.capability"
)

func keepOwner(old *unix.Stat_t, fresh int) error {
	stat, err := statFd(fresh)
	if err != nil || stat.Uid == old.Uid && stat.Gid == old.Gid {
		return err
	}
	return unix.Fchown(fresh, int(old.Uid), int(old.Gid))
}

// keepAttributes copies from a regular file in a folder; one that has just gone had none.
func keepAttributes(folder int, name string, fresh int) error {
	old, err := openName(folder, name, unix.O_RDONLY|unix.O_NONBLOCK)
	if err == unix.ENOENT || err == unix.ELOOP || err == unix.ENXIO {
		return nil
	}
	if err != nil {
		return err
	}
	defer closeFd(old)
	names := make([]byte, maxAttributeList)
	n, err := unix.Flistxattr(old, names)
	if err == unix.EOPNOTSUPP {
		return nil
	}
	if err != nil {
		return err
	}
	for attribute := range bytes.SplitSeq(names[:n], []byte{0}) {
		if name := string(attribute); name != "" && name != xattrCapability {
			if err := keepAttribute(old, fresh, name); err != nil {
				return err
			}
		}
	}
	return nil
}

func keepAttribute(old, fresh int, name string) error {
	value := make([]byte, maxAttribute)
	n, err := unix.Fgetxattr(old, name, value)
	if errors.Is(err, unix.ENODATA) {
		return nil
	}
	if err != nil {
		return err
	}
	return unix.Fsetxattr(fresh, name, value[:n], 0)
}
