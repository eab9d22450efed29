// These tests prove that a session's first line is found wherever it stands in dead bytes, and nothing else is taken for it.

package channel

import (
	"bytes"
	"strings"
	"testing"
)

const (
	lineA = "PYRO/1 0123456789abcdef0123456789abcdef\n"
	lineB = "PYRO/1 ffffffffffffffffffffffffffffffff\n"
)

// feed gives data in pieces of n bytes, as reads would.
func feed(data []byte, n int) (line, rest []byte) {
	var kept []byte
	for len(data) > 0 {
		piece := data[:min(n, len(data))]
		data = data[len(piece):]
		var keep []byte
		line, rest, keep = findPreface(append(bytes.Clone(kept), piece...))
		if line != nil {
			return line, append(bytes.Clone(rest), data...)
		}
		kept = keep
	}
	return nil, nil
}

func TestPrefaceIsFoundInDeadBytes(t *testing.T) {
	for name, c := range map[string]struct{ data, line, rest string }{
		"alone":                {lineA, lineA, ""},
		"with rest":            {lineA + "PRI", lineA, "PRI"},
		"after garbage":        {"\x00\x01garbage" + lineA, lineA, ""},
		"after half a preface": {"PYRO/1 0123" + lineA, lineA, ""},
		"after half a mark":    {"PYRO" + lineA, lineA, ""},
		"after a long nonce":   {lineA[:len(lineA)-1] + "0\n" + lineB, lineB, ""},
		"after upper case":     {strings.ToUpper(lineA) + lineB, lineB, ""},
		"first of two":         {lineA + lineB, lineA, lineB},
		"incomplete":           {lineA[:len(lineA)-1], "", ""},
		"none":                 {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "", ""},
	} {
		for n := 1; n <= len(c.data); n++ {
			line, rest := feed([]byte(c.data), n)
			if string(line) != c.line || string(rest) != c.rest {
				t.Errorf("%s in pieces of %d: %q and %q", name, n, line, rest)
			}
		}
	}
}

func FuzzPreface(f *testing.F) {
	f.Add([]byte("garbage"+lineA+"PRI"), 3)
	f.Add([]byte("PYRO/1 PYRO/1 00"+lineB), 1)
	f.Fuzz(func(t *testing.T, data []byte, n int) {
		if n < 1 {
			return
		}
		whole, wholeRest := feed(data, max(len(data), 1))
		line, rest := feed(data, n)
		if !bytes.Equal(line, whole) || !bytes.Equal(rest, wholeRest) {
			t.Errorf("pieces of %d: %q and %q, whole: %q and %q", n, line, rest, whole, wholeRest)
		}
		if line != nil && len(line) != prefaceBytes {
			t.Errorf("line %q", line)
		}
	})
}

func FuzzFrames(f *testing.F) {
	settings := "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
	f.Add([]byte(clientPreface+settings), []byte(lineA), 5)
	f.Fuzz(func(t *testing.T, session, next []byte, n int) {
		data := append(bytes.Clone(session), next...)
		if n < 1 || len(data) == 0 {
			return
		}
		var taken []byte
		var tracker frameTracker
		for at := 0; at < len(data); at += n {
			piece := data[at:min(at+n, len(data))]
			got, carry := tracker.accept(piece)
			taken = append(taken, piece[:got]...)
			if got < len(piece) || carry != nil {
				left := append(bytes.Clone(carry), data[at+got:]...)
				if !bytes.Equal(left, data[len(data)-len(left):]) {
					t.Fatalf("left %q of %q", left, data)
				}
				return
			}
		}
		if !bytes.Equal(taken, data) {
			t.Errorf("took %q of %q", taken, data)
		}
	})
}

func TestNewSessionShowsAtAFrameBoundary(t *testing.T) {
	session := clientPreface + "\x00\x00\x03\x00\x00\x00\x00\x00\x01abc"
	data := []byte(session + lineA)
	for n := 1; n <= len(data); n++ {
		var tracker frameTracker
		for at := 0; ; at += n {
			piece := data[at:min(at+n, len(data))]
			got, carry := tracker.accept(piece)
			if got == len(piece) && carry == nil {
				continue
			}
			if left := string(carry) + string(data[at+got:]); left != lineA {
				t.Errorf("pieces of %d: left %q", n, left)
			}
			break
		}
	}
}
