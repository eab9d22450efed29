// preface.go owns finding the line that opens a session in bytes that may be a dead session's; it never does I/O.

package channel

import "bytes"

const (
	prefaceMark  = "PYRO/1 "
	nonceDigits  = 32
	prefaceBytes = len(prefaceMark) + nonceDigits + 1
)

// findPreface looks for `PYRO/1 <32 hex digits>\n` anywhere. Without one, keep is the tail that may begin one.
func findPreface(data []byte) (line, rest, keep []byte) {
	for from := 0; ; {
		at := bytes.Index(data[from:], []byte(prefaceMark))
		if at < 0 {
			return nil, nil, partialMark(data[from:])
		}
		start := from + at
		candidate := data[start:]
		if len(candidate) < prefaceBytes {
			if nonceSoFar(candidate[len(prefaceMark):]) {
				return nil, nil, candidate
			}
		} else if nonceSoFar(candidate[:prefaceBytes][len(prefaceMark):]) {
			return candidate[:prefaceBytes], candidate[prefaceBytes:], nil
		}
		from = start + 1
	}
}

// nonceSoFar tells whether text is the beginning of 32 lowercase hex digits and a newline.
func nonceSoFar(text []byte) bool {
	for i, c := range text {
		hex := c >= '0' && c <= '9' || c >= 'a' && c <= 'f'
		if i < nonceDigits && !hex || i == nonceDigits && c != '\n' {
			return false
		}
	}
	return true
}

// partialMark is the longest end of data that begins the mark.
func partialMark(data []byte) []byte {
	for n := min(len(prefaceMark)-1, len(data)); n > 0; n-- {
		tail := data[len(data)-n:]
		if string(tail) == prefaceMark[:n] {
			return tail
		}
	}
	return nil
}
