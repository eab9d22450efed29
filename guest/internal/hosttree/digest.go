// digest.go owns telling whether content is still the same. It never writes content out.

package hosttree

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"

	"golang.org/x/sys/unix"
)

// digest writes for each path of the input the sha256 of its content, or of where it points to, and a NUL; `-` for what
// cannot be read.
func digest(root int, in *bufio.Reader, out *bufio.Writer) error {
	above := &parents{root: root}
	buffer := make([]byte, bufferBytes)
	return eachWanted(in, func(each wanted) error {
		sum := "-"
		if folder, name, err := above.of(each.path); err == nil {
			sum = sumOf(folder, name, each.kind, buffer)
		}
		_, err := out.WriteString(sum + "\x00")
		return err
	})
}

func sumOf(folder int, name string, kind byte, buffer []byte) string {
	if kind == 'l' {
		target, err := readLink(folder, name)
		if err != nil {
			return "-"
		}
		sum := sha256.Sum256([]byte(target))
		return hex.EncodeToString(sum[:])
	}
	fd, _, err := openFile(folder, name)
	if err != nil {
		return "-"
	}
	defer unix.Close(fd)
	sum := sha256.New()
	for {
		n := readSome(fd, buffer)
		if n == 0 {
			return hex.EncodeToString(sum.Sum(nil))
		}
		sum.Write(buffer[:n])
	}
}
