// list.go owns naming what lies below the root, with its metadata. It opens folders and nothing else.

package hosttree

import (
	"bufio"
	"strconv"

	"golang.org/x/sys/unix"
)

const (
	direntBytes = 64 << 10
	// As many as an archive may have.
	maxEntries = 2_000_000
)

// Whether a path may be read, as the second field says it.
const (
	readable   = 'r'
	unreadable = 'u'
	tooDeep    = 'd'
)

type lister struct {
	out     *bufio.Writer
	entries int
	dirents []byte
}

// list writes a record for everything below root, a folder before what it holds.
func list(root int, out *bufio.Writer) error {
	l := &lister{out: out, dirents: make([]byte, direntBytes)}
	fd, err := openBelow(root, ".", unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return err
	}
	return l.folder(fd, "", 1)
}

// folder closes fd. depth is that of the names in it.
func (l *lister) folder(fd int, path string, depth int) error {
	defer unix.Close(fd)
	names, err := l.names(fd)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := l.entry(fd, path+name, name, depth); err != nil {
			return err
		}
	}
	return nil
}

func (l *lister) names(fd int) ([]string, error) {
	var names []string
	for {
		n, err := unix.ReadDirent(fd, l.dirents)
		if err == unix.EINTR {
			continue
		}
		// A folder that was removed meanwhile is empty.
		if err == unix.ENOENT || n <= 0 && err == nil {
			return names, nil
		}
		if err != nil {
			return nil, err
		}
		_, _, names = unix.ParseDirent(l.dirents[:n], -1, names)
	}
}

func (l *lister) entry(folder int, path, name string, depth int) error {
	step("stat", path)
	stat, err := statBelow(folder, name)
	if isGone(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if l.entries++; l.entries > maxEntries {
		return errTooMany
	}
	if stat.Mode&unix.S_IFMT != unix.S_IFDIR {
		return writeRecord(l.out, path, readability(folder, name, stat), stat)
	}
	if depth >= maxDepth {
		return writeRecord(l.out, path, tooDeep, stat)
	}
	step("enter", path)
	fd, err := openBelow(folder, name, unix.O_RDONLY|unix.O_DIRECTORY)
	if err == unix.ENOENT || err == unix.ENOTDIR || err == unix.ELOOP {
		return nil
	}
	if err != nil && !isGone(err) {
		return err
	}
	// A folder that may be read, but not entered, has names and nothing behind them.
	if err != nil || unix.Faccessat(fd, ".", unix.X_OK, 0) != nil {
		if err == nil {
			_ = unix.Close(fd)
		}
		return writeRecord(l.out, path, unreadable, stat)
	}
	if err := writeRecord(l.out, path, readable, stat); err != nil {
		_ = unix.Close(fd)
		return err
	}
	return l.folder(fd, path+"/", depth+1)
}

// statNames writes a record for each path of the input that exists, in the input's order.
func statNames(root int, in *bufio.Reader, out *bufio.Writer) error {
	above := &parents{root: root}
	return eachWanted(in, func(each wanted) error {
		folder, name, err := above.of(each.path)
		if err == errTooDeep {
			return writeRecord(out, each.path, tooDeep, &unix.Stat_t{Mode: unix.S_IFREG})
		}
		if err == nil {
			step("stat", each.path)
			var stat *unix.Stat_t
			if stat, err = statBelow(folder, name); err == nil {
				return writeRecord(out, each.path, readability(folder, name, stat), stat)
			}
		}
		if isGone(err) {
			return nil
		}
		return err
	})
}

func readability(folder int, name string, stat *unix.Stat_t) byte {
	mode := uint32(unix.R_OK)
	switch stat.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		mode |= unix.X_OK
	case unix.S_IFREG:
	default:
		return readable
	}
	if unix.Faccessat(folder, name, mode, 0) != nil {
		return unreadable
	}
	return readable
}

// writeRecord writes eight fields, each ended by a NUL: path, whether it can be read, type, permission bits, size, both
// times in seconds with nine decimals, inode.
func writeRecord(out *bufio.Writer, path string, access byte, stat *unix.Stat_t) error {
	line := make([]byte, 0, len(path)+96)
	line = append(line, path...)
	line = append(line, 0, access, 0, kindOf(stat), 0)
	line = append(strconv.AppendUint(line, uint64(stat.Mode&0o7777), 8), 0)
	line = append(strconv.AppendInt(line, stat.Size, 10), 0)
	line = appendTime(line, stat.Mtim)
	line = appendTime(line, stat.Ctim)
	line = append(strconv.AppendUint(line, stat.Ino, 10), 0)
	_, err := out.Write(line)
	return err
}

func appendTime(line []byte, time unix.Timespec) []byte {
	line = append(strconv.AppendInt(line, time.Sec, 10), '.')
	digits := strconv.Itoa(int(time.Nsec) + 1_000_000_000)
	return append(append(line, digits[1:]...), 0)
}

// kindOf is a letter: file, directory, link, socket, pipe, block and character device.
func kindOf(stat *unix.Stat_t) byte {
	switch stat.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		return 'f'
	case unix.S_IFDIR:
		return 'd'
	case unix.S_IFLNK:
		return 'l'
	case unix.S_IFSOCK:
		return 's'
	case unix.S_IFIFO:
		return 'p'
	case unix.S_IFBLK:
		return 'b'
	case unix.S_IFCHR:
		return 'c'
	}
	return 'U'
}
