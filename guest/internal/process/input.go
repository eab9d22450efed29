// input.go owns the writing end of a program's standard input; it never reads.

package process

import (
	"context"
	"errors"
	"os"
	"sync"
	"time"
)

// ASCII EOT: what ctrl-d sends.
const endOfTransmission = 4

var errInputGap = errors.New("gap before the offset")

type input struct {
	file *os.File
	// On a terminal the file is also the output's: it stays open, and the end is a control character.
	terminal bool

	// Held through a write, which may wait for the program.
	writing sync.Mutex

	mu     sync.Mutex
	taken  uint64
	closed bool
}

// write puts data into the pipe and returns the next offset. It stops when the context ends, keeping what was taken.
func (i *input) write(ctx context.Context, offset uint64, data []byte, end bool) (next uint64, closed bool, err error) {
	i.writing.Lock()
	defer i.writing.Unlock()
	taken, closed := i.state()
	if offset > taken {
		return taken, closed, errInputGap
	}
	if closed {
		return taken, true, nil
	}
	if skip := taken - offset; skip < uint64(len(data)) {
		n, err := i.put(ctx, data[skip:])
		taken += uint64(n)
		i.mu.Lock()
		i.taken = taken
		i.mu.Unlock()
		if ctx.Err() != nil {
			return taken, false, ctx.Err()
		}
		if err != nil {
			i.stop()
			return taken, true, nil
		}
	}
	if end && i.terminal {
		_, _ = i.put(ctx, []byte{endOfTransmission})
	} else if end {
		i.stop()
	}
	_, closed = i.state()
	return taken, closed, nil
}

func (i *input) put(ctx context.Context, data []byte) (int, error) {
	_ = i.file.SetWriteDeadline(time.Time{})
	forget := context.AfterFunc(ctx, func() { _ = i.file.SetWriteDeadline(time.Unix(1, 0)) })
	defer forget()
	return i.file.Write(data)
}

func (i *input) state() (uint64, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.taken, i.closed
}

func (i *input) position() uint64 {
	taken, _ := i.state()
	return taken
}

// stop closes standard input; blocked writers return.
func (i *input) stop() {
	i.mu.Lock()
	before := i.closed
	i.closed = true
	i.mu.Unlock()
	if before {
		return
	}
	if i.terminal {
		_ = i.file.SetWriteDeadline(time.Unix(1, 0))
		return
	}
	i.file.Close()
}
