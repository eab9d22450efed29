// header.go owns the header blocks of an archive, in GNU's form: names are bytes, of any length. It never touches a file.

package hosttree

import (
	"bufio"
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"
)

const (
	blockBytes = 512
	nameBytes  = 100
	// Largest number that eleven octal digits hold.
	maxOctal = 1<<33 - 1
)

var zeros [blockBytes]byte

type header struct {
	name string
	// As tar has it: 0 file, 1 hard link, 2 symbolic link, 5 folder.
	flag   byte
	stat   *unix.Stat_t
	size   int64
	target string
}

func padding(size int64) int64 { return (blockBytes - size%blockBytes) % blockBytes }

func writeHeader(out *bufio.Writer, h header) error {
	if len(h.name) > nameBytes {
		if err := writeLong(out, 'L', h.name); err != nil {
			return err
		}
	}
	if len(h.target) > nameBytes {
		if err := writeLong(out, 'K', h.target); err != nil {
			return err
		}
	}
	return writeBlock(out, h, int64(h.stat.Mode&0o7777), h.stat.Mtim.Sec)
}

// writeLong writes an entry whose content is the name of the next one, or where that points to.
func writeLong(out *bufio.Writer, flag byte, text string) error {
	content := make([]byte, int64(len(text))+1+padding(int64(len(text))+1))
	copy(content, text)
	h := header{name: "././@LongLink", flag: flag, size: int64(len(text)) + 1}
	if err := writeBlock(out, h, 0o644, 0); err != nil {
		return err
	}
	_, err := out.Write(content)
	return err
}

func writeBlock(out *bufio.Writer, h header, mode, mtime int64) error {
	var block [blockBytes]byte
	copy(block[:nameBytes], h.name)
	octal(block[100:108], mode)
	octal(block[108:116], 0)
	octal(block[116:124], 0)
	if h.size > maxOctal {
		block[124] = 0x80
		binary.BigEndian.PutUint64(block[128:136], uint64(h.size))
	} else {
		octal(block[124:136], h.size)
	}
	octal(block[136:148], min(max(mtime, 0), maxOctal))
	copy(block[148:156], "        ")
	block[156] = h.flag
	copy(block[157:157+nameBytes], h.target)
	copy(block[257:265], "ustar  \x00")
	sum := int64(0)
	for _, b := range block {
		sum += int64(b)
	}
	copy(block[148:156], fmt.Sprintf("%06o\x00 ", sum))
	_, err := out.Write(block[:])
	return err
}

// octal fills a field with digits and a NUL.
func octal(field []byte, value int64) {
	last := len(field) - 1
	field[last] = 0
	for at := last - 1; at >= 0; at-- {
		field[at] = byte('0' + value&7)
		value >>= 3
	}
}
