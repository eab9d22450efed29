// unpack.go owns writing the entries of an archive into a staging folder; it never writes through a link or outside of it.

package files

import (
	"archive/tar"
	"errors"
	"io"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	maxStaged = 1_000_000
	// Until it is committed only the agent may look inside.
	stageMode  = 0o700
	folderMode = 0o755
	// What open(2) does not give: special bits, and what any umask takes from group and others.
	maskedMode = 0o7000 | 0o022
)

// An unpacker fills one staging folder.
type unpacker struct {
	// The staged tree, open.
	tree    int
	folders *folderLog
	// The folder of the last entry, open; entries of one folder mostly come together.
	parent     int
	parentPath string
	entries    int
	files      uint64
	bytes      uint64
	buffer     []byte
}

func (u *unpacker) end() error {
	closeFd(u.parent)
	closeFd(u.tree)
	return u.folders.end()
}

// entryPath is a name from an archive as a path on the wire: "./" before and a slash behind are usual.
func entryPath(name string) (string, error) {
	if strings.HasPrefix(name, "/") {
		return "", invalid("archive entry %q: it is absolute", name)
	}
	var parts []string
	for _, part := range strings.Split(name, "/") {
		if part == "" || part == "." {
			continue
		}
		if err := checkName(part); err != nil {
			return "", invalid("archive entry %q: %w", name, err)
		}
		parts = append(parts, part)
	}
	path := strings.Join(parts, "/")
	if len(path) > maxPath || isHidden(path) {
		return "", invalid("archive entry %q: no such name is allowed", name)
	}
	return path, nil
}

func (u *unpacker) entry(path string, header *tar.Header, data io.Reader) error {
	if path == "" {
		return invalid("archive entry %q: a name was expected", header.Name)
	}
	if u.entries++; u.entries > maxStaged {
		return invalid("more than %d entries", maxStaged)
	}
	above, name := split(path)
	if err := u.enter(above); err != nil {
		return err
	}
	switch header.Typeflag {
	case tar.TypeDir:
		return u.folder(path, name, header)
	case tar.TypeReg:
		return u.file(name, header, data)
	case tar.TypeSymlink:
		return u.symlink(name, header)
	case tar.TypeLink:
		return u.hardLink(name, header)
	}
	return invalid("archive entry %q: neither a file, a folder nor a link", header.Name)
}

// enter opens the folder of the next entry, making what is missing.
func (u *unpacker) enter(path string) error {
	if u.parent >= 0 && u.parentPath == path {
		return nil
	}
	fd, err := makeFolders(u.tree, path)
	if err != nil {
		return err
	}
	closeFd(u.parent)
	u.parent, u.parentPath = fd, path
	return nil
}

// makeFolders opens path below folder, no link on the way.
func makeFolders(folder int, path string) (int, error) {
	fd, err := openAt(folder, path, openFolder|unix.O_NOFOLLOW, resolveName)
	if err != unix.ENOENT || path == "" {
		return fd, mountedAt(err)
	}
	above, name := split(path)
	parent, err := makeFolders(folder, above)
	if err != nil {
		return -1, err
	}
	defer closeFd(parent)
	if err := unix.Mkdirat(parent, name, folderMode); err != nil && err != unix.EEXIST {
		return -1, err
	}
	return openName(parent, name, openFolder)
}

func mountedAt(err error) error {
	if err == unix.EXDEV {
		return errMounted
	}
	return err
}

func modeOf(header *tar.Header) uint32 { return uint32(header.Mode) & permissions }

// clear makes room for a name that the archive has twice: the last one counts.
func (u *unpacker) clear(name string) error {
	err := unix.Unlinkat(u.parent, name, 0)
	if err == unix.ENOENT {
		return nil
	}
	return err
}

func (u *unpacker) folder(path, name string, header *tar.Header) error {
	err := unix.Mkdirat(u.parent, name, modeOf(header))
	if err == unix.EEXIST {
		stat, statErr := statName(u.parent, name)
		if statErr != nil || !isFolder(stat) {
			err = errors.Join(u.clear(name), unix.Mkdirat(u.parent, name, modeOf(header)))
		} else {
			err = nil
		}
	}
	if err != nil {
		return err
	}
	return u.folders.add(folderRecord{Path: []byte(path), Mode: modeOf(header), MtimeUnixNanos: header.ModTime.UnixNano()})
}

func (u *unpacker) file(name string, header *tar.Header, data io.Reader) error {
	fd, err := u.create(name, modeOf(header))
	if err != nil {
		return err
	}
	n, err := io.CopyBuffer(writer(fd), data, u.buffer)
	if err == nil {
		err = setTime(fd, "", header.ModTime.UnixNano())
	}
	u.files++
	u.bytes += uint64(n)
	return errors.Join(err, unix.Close(fd))
}

// A writer is a descriptor without what os.File costs.
type writer int

func (w writer) Write(data []byte) (int, error) {
	written := 0
	for written < len(data) {
		n, err := unix.Write(int(w), data[written:])
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return written, err
		}
		written += n
	}
	return written, nil
}

func (u *unpacker) create(name string, mode uint32) (int, error) {
	const flags = unix.O_WRONLY | unix.O_CREAT | unix.O_EXCL | unix.O_NOFOLLOW | unix.O_CLOEXEC
	fd, err := unix.Openat(u.parent, name, flags, mode)
	if err == unix.EEXIST {
		if err := u.clear(name); err != nil {
			return -1, err
		}
		fd, err = unix.Openat(u.parent, name, flags, mode)
	}
	if err != nil || mode&maskedMode == 0 {
		return fd, err
	}
	// The umask has taken them away.
	if err := unix.Fchmod(fd, mode); err != nil {
		closeFd(fd)
		return -1, err
	}
	return fd, nil
}

func (u *unpacker) symlink(name string, header *tar.Header) error {
	if header.Linkname == "" || len(header.Linkname) > maxPath {
		return invalid("archive entry %q: a link to nowhere", header.Name)
	}
	if err := u.clear(name); err != nil {
		return err
	}
	if err := unix.Symlinkat(header.Linkname, u.parent, name); err != nil {
		return err
	}
	u.files++
	return setTime(u.parent, name, header.ModTime.UnixNano())
}

// hardLink gives a file or link that the archive had before another name.
func (u *unpacker) hardLink(name string, header *tar.Header) error {
	target, err := entryPath(header.Linkname)
	if err != nil {
		return err
	}
	above, base := split(target)
	folder, err := openAt(u.tree, above, openFolder|unix.O_NOFOLLOW, resolveName)
	if err != nil {
		return invalid("archive entry %q: it links to %q, which did not come before", header.Name, header.Linkname)
	}
	defer closeFd(folder)
	if stat, err := statName(folder, base); err != nil || isFolder(stat) {
		return invalid("archive entry %q: it links to %q, which did not come before", header.Name, header.Linkname)
	}
	if own := join(u.parentPath, name); own == target {
		return nil
	}
	if err := u.clear(name); err != nil {
		return err
	}
	u.files++
	return unix.Linkat(folder, base, u.parent, name, 0)
}

// setTime sets the time of last change: of fd itself, or of a name in that folder.
func setTime(fd int, name string, nanos int64) error {
	flags := unix.AT_SYMLINK_NOFOLLOW
	if name == "" {
		flags = unix.AT_EMPTY_PATH
	}
	times := []unix.Timespec{{Nsec: unix.UTIME_OMIT}, unix.NsecToTimespec(nanos)}
	return unix.UtimesNanoAt(fd, name, times, flags)
}
