// files.go owns writing files into the machine's root without leaving it; it never follows a link out. Runs on the machine's thread.

package machine

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// writeFile replaces the file at an absolute, cleaned path. Links in its folders are resolved as inside root;
// a link at its end is replaced, not followed.
func writeFile(root int, name string, content []byte, mode uint32) error {
	if err := checkPath(name); err != nil {
		return err
	}
	folder, err := openFolder(root, path.Dir(name))
	if err != nil {
		return fmt.Errorf("folder of %s: %w", name, err)
	}
	defer unix.Close(folder)
	base := path.Base(name)
	if overwrite(folder, base, content, mode) {
		return nil
	}
	temporary := fmt.Sprintf(".pyro-%d-new", os.Getpid())
	_ = unix.Unlinkat(folder, temporary, 0)
	fd, err := unix.Openat(folder, temporary, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	file := os.NewFile(uintptr(fd), name)
	_, err = file.Write(content)
	err = errors.Join(err, unix.Fchmod(fd, mode&0o7777), file.Close())
	if err == nil {
		err = unix.Renameat(folder, temporary, folder, base)
	}
	if err != nil {
		_ = unix.Unlinkat(folder, temporary, 0)
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// overwrite replaces the content of an ordinary file with this mode, which is much less work for the kernel than
// putting another in its place; false when there is none.
func overwrite(folder int, base string, content []byte, mode uint32) bool {
	fd, err := unix.Openat(folder, base, unix.O_WRONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	file := os.NewFile(uintptr(fd), base)
	defer file.Close()
	var stat unix.Stat_t
	if unix.Fstat(fd, &stat) != nil || stat.Mode != unix.S_IFREG|mode || stat.Nlink != 1 {
		return false
	}
	if _, err := file.WriteAt(content, 0); err != nil {
		return false
	}
	return int64(len(content)) == stat.Size || file.Truncate(int64(len(content))) == nil
}

// exists tells whether anything has the name, a link that leads nowhere too.
func exists(root int, name string) bool {
	folder, err := openInside(root, path.Dir(name))
	if err != nil {
		return false
	}
	defer unix.Close(folder)
	var stat unix.Stat_t
	return unix.Fstatat(folder, path.Base(name), &stat, unix.AT_SYMLINK_NOFOLLOW) == nil
}

func checkPath(name string) error {
	if !path.IsAbs(name) || path.Clean(name) != name || name == "/" || strings.IndexByte(name, 0) >= 0 {
		return fmt.Errorf("path %q is not absolute and cleaned", name)
	}
	return nil
}

// openFolder opens a folder inside root, making what is missing.
func openFolder(root int, name string) (int, error) {
	fd, err := openInside(root, name)
	if err != unix.ENOENT {
		return fd, err
	}
	if name == "/" {
		return -1, err
	}
	parent, err := openFolder(root, path.Dir(name))
	if err != nil {
		return -1, err
	}
	defer unix.Close(parent)
	if err := unix.Mkdirat(parent, path.Base(name), 0o755); err != nil && err != unix.EEXIST {
		return -1, err
	}
	return openInside(root, name)
}

func openInside(root int, name string) (int, error) {
	return unix.Openat2(root, name, &unix.OpenHow{
		Flags:   unix.O_RDONLY | unix.O_DIRECTORY | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
	})
}
