// entry.go owns what the kernel says of a file, and how the wire says it; it never opens one for reading.

package files

import (
	"golang.org/x/sys/unix"

	guestv1 "pyro/guest/internal/gen/pyro/guest/v1"
)

const permissions = 0o7777

func statFd(fd int) (*unix.Stat_t, error) {
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return nil, err
	}
	return &stat, nil
}

// statName looks at a name in a folder, not at what it links to.
func statName(folder int, name string) (*unix.Stat_t, error) {
	var stat unix.Stat_t
	if err := unix.Fstatat(folder, name, &stat, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return nil, err
	}
	return &stat, nil
}

func kindOf(stat *unix.Stat_t) guestv1.FileKind {
	switch stat.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		return guestv1.FileKind_FILE_KIND_REGULAR
	case unix.S_IFDIR:
		return guestv1.FileKind_FILE_KIND_DIRECTORY
	case unix.S_IFLNK:
		return guestv1.FileKind_FILE_KIND_SYMLINK
	case unix.S_IFSOCK:
		return guestv1.FileKind_FILE_KIND_SOCKET
	case unix.S_IFIFO:
		return guestv1.FileKind_FILE_KIND_FIFO
	}
	return guestv1.FileKind_FILE_KIND_DEVICE
}

func isFolder(stat *unix.Stat_t) bool { return stat.Mode&unix.S_IFMT == unix.S_IFDIR }

func isRegular(stat *unix.Stat_t) bool { return stat.Mode&unix.S_IFMT == unix.S_IFREG }

// entryOf describes the file of that name in a folder; path is what the host knows it by.
func entryOf(path string, folder int, name string, stat *unix.Stat_t) (*guestv1.FileEntry, error) {
	entry := plainEntry(path, stat)
	if entry.Kind == guestv1.FileKind_FILE_KIND_SYMLINK {
		target, err := readLink(folder, name)
		if err != nil {
			return nil, err
		}
		entry.LinkTarget = []byte(target)
	}
	return entry, nil
}

func plainEntry(path string, stat *unix.Stat_t) *guestv1.FileEntry {
	entry := &guestv1.FileEntry{
		Path:           []byte(path),
		Kind:           kindOf(stat),
		Mode:           stat.Mode & permissions,
		MtimeUnixNanos: stat.Mtim.Nano(),
	}
	if entry.Kind == guestv1.FileKind_FILE_KIND_REGULAR {
		entry.Size = uint64(stat.Size)
	}
	if stat.Nlink > 1 && !isFolder(stat) {
		// With xino=on an inode number is unique in all of a workspace.
		entry.HardLinkGroup = stat.Ino
	}
	return entry
}

// A batch collects entries for one message.
type batch struct {
	entries []*guestv1.FileEntry
	bytes   int
}

const (
	batchEntries = 512
	// The host refuses messages of 4 MiB.
	batchBytes = 512 << 10
)

// add tells whether the batch has to be sent.
func (b *batch) add(entry *guestv1.FileEntry) bool {
	const rest = 64
	b.entries = append(b.entries, entry)
	b.bytes += len(entry.Path) + len(entry.LinkTarget) + len(entry.Redirect) + rest
	return len(b.entries) >= batchEntries || b.bytes >= batchBytes
}

// take empties the batch.
func (b *batch) take() []*guestv1.FileEntry {
	entries := b.entries
	*b = batch{}
	return entries
}
