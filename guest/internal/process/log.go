// log.go owns the output of one stream, from the first unacknowledged byte to the last one read; it never does I/O.

package process

import (
	"errors"
	"sync"
)

const (
	// Unacknowledged bytes a stream may hold before its program waits.
	logLimit = 4 << 20
	// Bytes taken over the limit from a program that has exited, so that its exit can be told.
	logOverdraft   = 4 << 20
	firstBlockSize = 4 << 10
	blockSize      = 64 << 10
	// Longest chunk handed to a follower.
	maxChunk = 64 << 10
)

var errCursor = errors.New("cursor outside the kept output")

// Written bytes of a block never change, so slices of them may be read without the lock.
type block struct {
	start uint64
	data  []byte
}

type outputLog struct {
	mu     sync.Mutex
	room   sync.Cond
	base   uint64
	end    uint64
	blocks []block
	sealed bool
	// What the program itself wrote ends here at the latest; set when it has exited.
	own    *uint64
	notice *notice
}

func newOutputLog(n *notice) *outputLog {
	l := &outputLog{notice: n}
	l.room.L = &l.mu
	return l
}

// waitForRoom blocks while the log is full; false once it is sealed.
func (l *outputLog) waitForRoom() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for !l.sealed && l.end-l.base >= logLimit {
		l.room.Wait()
	}
	return !l.sealed
}

// tail returns free space at the end, at most what the limit leaves. Only one writer may use it at a time.
func (l *outputLog) tail(overdraft uint64) []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	held := l.end - l.base
	limit := logLimit + overdraft
	if l.sealed || held >= limit {
		return nil
	}
	if n := len(l.blocks); n == 0 || len(l.blocks[n-1].data) == cap(l.blocks[n-1].data) {
		size := blockSize
		if l.end == 0 {
			size = firstBlockSize
		}
		l.blocks = append(l.blocks, block{start: l.end, data: make([]byte, 0, size)})
	}
	last := l.blocks[len(l.blocks)-1].data
	free := last[len(last):cap(last)]
	return free[:min(uint64(len(free)), limit-held)]
}

// commit makes the first n bytes of the last tail part of the log.
func (l *outputLog) commit(n int) {
	l.mu.Lock()
	last := &l.blocks[len(l.blocks)-1]
	last.data = last.data[:len(last.data)+n]
	l.end += uint64(n)
	l.mu.Unlock()
	l.notice.wake()
}

func (l *outputLog) write(p []byte) {
	for len(p) > 0 {
		free := l.tail(0)
		if len(free) == 0 {
			return
		}
		n := copy(free, p)
		l.commit(n)
		p = p[n:]
	}
}

// mark notes that the program has exited: what comes from now on is of those that it left in the background.
func (l *outputLog) mark() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.own == nil {
		end := l.end
		l.own = &end
	}
}

// seal ends the log: nothing more is added, waiting writers go on.
func (l *outputLog) seal() {
	l.mu.Lock()
	l.sealed = true
	l.mu.Unlock()
	l.room.Broadcast()
}

// next returns the bytes at cursor, none when the cursor is at the end, or unless all are wanted beyond what the program itself wrote.
func (l *outputLog) next(cursor uint64, all bool) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if cursor < l.base || cursor > l.end {
		return nil, errCursor
	}
	limit := l.end
	if l.own != nil && !all {
		limit = *l.own
	}
	for i := range l.blocks {
		b := &l.blocks[i]
		if cursor >= b.start && cursor < b.start+uint64(len(b.data)) {
			data := b.data[cursor-b.start:]
			if cursor >= limit {
				return nil, nil
			}
			return data[:min(uint64(len(data)), maxChunk, limit-cursor)], nil
		}
	}
	return nil, nil
}

// acknowledge frees everything before cursor. A cursor that was acknowledged before changes nothing.
func (l *outputLog) acknowledge(cursor uint64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if cursor > l.end {
		return errCursor
	}
	if cursor <= l.base {
		return nil
	}
	l.base = cursor
	gone := 0
	for gone < len(l.blocks) {
		b := &l.blocks[gone]
		used := b.start + uint64(len(b.data))
		full := len(b.data) == cap(b.data)
		if used > cursor || !full && !l.sealed {
			break
		}
		l.blocks[gone] = block{}
		gone++
	}
	l.blocks = l.blocks[gone:]
	l.room.Broadcast()
	return nil
}

func (l *outputLog) size() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.end
}
