// frames.go owns knowing where HTTP/2 frames begin, to notice a new session whose hang-up was missed; it never changes a byte.

package channel

const (
	clientPreface     = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	frameHeaderBytes  = 9
	maxFrameBytes     = 256 << 10
	frameLengthDigits = 3
)

// A frameTracker follows the bytes the host sends. While a guest is paused the host can leave and come back
// without the port telling; "PYR" as a frame length is over any limit, so the new preface shows itself.
type frameTracker struct {
	preface int
	header  [frameHeaderBytes]byte
	got     int
	payload int
}

// accept takes bytes in order and returns how many belong to this session; fewer than all means that it is over
// and that carry, then the rest of the bytes, belong to the next.
func (t *frameTracker) accept(data []byte) (taken int, carry []byte) {
	for i := 0; i < len(data); {
		switch {
		case t.preface < len(clientPreface):
			n := min(len(data)-i, len(clientPreface)-t.preface)
			t.preface += n
			i += n
		case t.payload > 0:
			n := min(len(data)-i, t.payload)
			t.payload -= n
			i += n
		default:
			t.header[t.got] = data[i]
			t.got++
			i++
			if t.got == frameLengthDigits && t.length() > maxFrameBytes {
				return i - min(i, frameLengthDigits), t.header[:max(0, frameLengthDigits-i)]
			}
			if t.got == frameHeaderBytes {
				t.payload, t.got = t.length(), 0
			}
		}
	}
	return len(data), nil
}

func (t *frameTracker) length() int {
	return int(t.header[0])<<16 | int(t.header[1])<<8 | int(t.header[2])
}
