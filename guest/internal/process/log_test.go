// These tests prove that a log is gapless, bounded and frees what was acknowledged.

package process

import (
	"bytes"
	"testing"
)

func fill(l *outputLog, data []byte) {
	for len(data) > 0 {
		n := copy(l.tail(0), data)
		l.commit(n)
		data = data[n:]
	}
}

func all(t *testing.T, l *outputLog, cursor uint64) []byte {
	t.Helper()
	var got []byte
	for {
		data, err := l.next(cursor, true)
		if err != nil {
			t.Fatal(err)
		}
		if len(data) == 0 {
			return got
		}
		if len(data) > maxChunk {
			t.Fatalf("a chunk of %d bytes", len(data))
		}
		got = append(got, data...)
		cursor += uint64(len(data))
	}
}

func pattern(n int) []byte {
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(i * 31 >> 3)
	}
	return data
}

func TestLogIsReadFromAnyKeptCursor(t *testing.T) {
	l := newOutputLog(&notice{})
	data := pattern(300_000)
	fill(l, data)
	for _, cursor := range []int{0, 1, firstBlockSize - 1, firstBlockSize, 70_000, len(data)} {
		if !bytes.Equal(all(t, l, uint64(cursor)), data[cursor:]) {
			t.Errorf("from %d: other bytes", cursor)
		}
	}
	if err := l.acknowledge(200_000); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(all(t, l, 200_000), data[200_000:]) {
		t.Error("other bytes after acknowledge")
	}
	for _, cursor := range []uint64{0, 199_999, uint64(len(data)) + 1} {
		if _, err := l.next(cursor, true); err == nil {
			t.Errorf("cursor %d was accepted", cursor)
		}
	}
	if err := l.acknowledge(uint64(len(data)) + 1); err == nil {
		t.Error("acknowledged what was never written")
	}
	if err := l.acknowledge(0); err != nil {
		t.Errorf("an old acknowledgement: %v", err)
	}
}

func TestAcknowledgeFreesBlocks(t *testing.T) {
	l := newOutputLog(&notice{})
	fill(l, pattern(2<<20))
	before := len(l.blocks)
	if err := l.acknowledge(2 << 20); err != nil {
		t.Fatal(err)
	}
	if len(l.blocks) > 1 {
		t.Errorf("%d of %d blocks are left", len(l.blocks), before)
	}
}

func TestLogIsBounded(t *testing.T) {
	l := newOutputLog(&notice{})
	fill(l, pattern(logLimit))
	if free := l.tail(0); len(free) != 0 {
		t.Fatalf("%d bytes over the limit", len(free))
	}
	if free := l.tail(logOverdraft); len(free) == 0 {
		t.Error("no overdraft")
	}
	waited := make(chan bool)
	go func() { waited <- l.waitForRoom() }()
	if err := l.acknowledge(1); err != nil {
		t.Fatal(err)
	}
	if !<-waited || len(l.tail(0)) != 1 {
		t.Error("no room after acknowledge")
	}
	go func() { waited <- l.waitForRoom() }()
	l.seal()
	<-waited
}

func FuzzLog(f *testing.F) {
	f.Add([]byte{10, 200, 3, 255, 128, 7})
	f.Fuzz(func(t *testing.T, steps []byte) {
		l := newOutputLog(&notice{})
		var written []byte
		base := 0
		for i, step := range steps {
			if step < 160 {
				data := pattern(int(step)*97 + i)
				if len(written)-base+len(data) > logLimit {
					return
				}
				fill(l, data)
				written = append(written, data...)
			} else {
				base += (len(written) - base) * int(step-160) / 95
				if err := l.acknowledge(uint64(base)); err != nil {
					t.Fatal(err)
				}
			}
			if !bytes.Equal(all(t, l, uint64(base)), written[base:]) {
				t.Fatalf("step %d: other bytes", i)
			}
		}
	})
}
