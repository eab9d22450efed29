// pack.go owns archiving the paths of the input, in its order, as they are when they are opened. It leaves out what has become something else.

package hosttree

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"

	"golang.org/x/sys/unix"
)

type archive struct {
	out *bufio.Writer
	// Gets a line `torn BASE64` for each file that became shorter while it was read: it has zeros that never were there.
	notes io.Writer
}

type inode struct{ dev, ino uint64 }

type packer struct {
	archive
	above parents
	// The first path of each file that has several.
	links  map[inode]string
	buffer []byte
}

func pack(root int, in *bufio.Reader, to archive) error {
	p := &packer{archive: to, above: parents{root: root}, links: map[inode]string{}, buffer: make([]byte, bufferBytes)}
	err := eachWanted(in, func(each wanted) error {
		folder, name, err := p.above.of(each.path)
		if err == nil {
			err = p.add(folder, name, each)
		}
		if isGone(err) {
			return nil
		}
		return err
	})
	if err != nil {
		return err
	}
	_, err = to.out.Write(make([]byte, 2*blockBytes))
	return err
}

// add fails with an error that isGone only before it has written anything.
func (p *packer) add(folder int, name string, each wanted) error {
	step("pack", each.path)
	switch each.kind {
	case 'f':
		return p.file(folder, name, each.path)
	case 'd':
		stat, err := statBelow(folder, name)
		if err != nil || stat.Mode&unix.S_IFMT != unix.S_IFDIR {
			return orGone(err)
		}
		return writeHeader(p.out, header{name: each.path + "/", flag: '5', stat: stat})
	case 'l':
		stat, err := statBelow(folder, name)
		if err != nil {
			return err
		}
		target, err := readLink(folder, name)
		if err != nil {
			return err
		}
		return writeHeader(p.out, header{name: each.path, flag: '2', stat: stat, target: target})
	}
	return unix.ENOENT
}

func (p *packer) file(folder int, name, path string) error {
	fd, stat, err := openFile(folder, name)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if stat.Nlink > 1 {
		id := inode{uint64(stat.Dev), stat.Ino}
		if first, ok := p.links[id]; ok {
			return writeHeader(p.out, header{name: path, flag: '1', stat: stat, target: first})
		}
		p.links[id] = path
	}
	if err := writeHeader(p.out, header{name: path, flag: '0', stat: stat, size: stat.Size}); err != nil {
		return err
	}
	return p.content(fd, path, stat.Size)
}

// content writes exactly size bytes and their padding; what cannot be read any more is zeros.
func (p *packer) content(fd int, path string, size int64) error {
	torn := false
	for left := size; left > 0; {
		step("read", path)
		buffer := p.buffer[:min(left, int64(len(p.buffer)))]
		n := 0
		if !torn {
			n = readSome(fd, buffer)
			torn = n == 0
		}
		if torn {
			clear(buffer)
			n = len(buffer)
		}
		if _, err := p.out.Write(buffer[:n]); err != nil {
			return err
		}
		left -= int64(n)
	}
	if torn {
		fmt.Fprintf(p.notes, "torn %s\n", base64.StdEncoding.EncodeToString([]byte(path)))
	}
	_, err := p.out.Write(zeros[:padding(size)])
	return err
}

// readSome gives 0 at the end and for what cannot be read.
func readSome(fd int, buffer []byte) int {
	for {
		n, err := unix.Read(fd, buffer)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return 0
		}
		return n
	}
}

// openFile opens a regular file and nothing else: opening a pipe or a device can do something by itself.
func openFile(folder int, name string) (int, *unix.Stat_t, error) {
	stat, err := statBelow(folder, name)
	if err != nil || stat.Mode&unix.S_IFMT != unix.S_IFREG {
		return -1, nil, orGone(err)
	}
	step("open", name)
	// Not blocking, for it can be a pipe by now.
	fd, err := openBelow(folder, name, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY)
	if err != nil {
		return -1, nil, err
	}
	if err := unix.Fstat(fd, stat); err != nil || stat.Mode&unix.S_IFMT != unix.S_IFREG {
		_ = unix.Close(fd)
		return -1, nil, orGone(err)
	}
	return fd, stat, nil
}

func readLink(folder int, name string) (string, error) {
	buffer := make([]byte, 4096)
	n, err := unix.Readlinkat(folder, name, buffer)
	if err == unix.EINVAL || n == len(buffer) {
		return "", unix.ENOENT
	}
	if err != nil {
		return "", err
	}
	return string(buffer[:n]), nil
}

// orGone is the error, or where there is none that the path is another thing now.
func orGone(err error) error {
	if err == nil {
		return unix.ENOENT
	}
	return err
}
