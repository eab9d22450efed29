// source.go owns the reading end of a program's output: pipe or terminal into log; it never decides when a program has ended.

package process

import (
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

type source struct {
	// Serialises reads, so that pump and drain never tear the order of bytes.
	mu       sync.Mutex
	file     *os.File
	fd       int
	terminal bool
	log      *outputLog
	closed   bool
	scratch  []byte
}

func newSource(file *os.File, fd int, terminal bool, log *outputLog) *source {
	return &source{file: file, fd: fd, terminal: terminal, log: log}
}

// pump reads until end of file. Once the log is sealed it goes on reading and discards, so that background
// children neither block nor get SIGPIPE.
func (s *source) pump() {
	defer s.close()
	conn, err := s.file.SyscallConn()
	if err != nil {
		return
	}
	for {
		s.log.waitForRoom()
		var n int
		var readErr error
		err := conn.Read(func(uintptr) bool {
			n, readErr = s.readOnce()
			return readErr != unix.EAGAIN
		})
		if err != nil || readErr != nil || n == 0 {
			return
		}
	}
}

func (s *source) readOnce() (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, unix.EBADF
	}
	if free := s.log.tail(0); free != nil {
		n, err := read(s.fd, free)
		if n > 0 {
			s.log.commit(n)
		}
		return n, err
	}
	if s.scratch == nil {
		s.scratch = make([]byte, 16<<10)
	}
	return read(s.fd, s.scratch)
}

// drain takes what the ended program had written, then marks the log. For a pipe that is what lies in it now:
// children that still hold it may go on writing for ever. A terminal is read until empty: reading flushes the
// line discipline, and the end of the session leader has hung it up.
func (s *source) drain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.log.mark()
	if s.closed {
		return
	}
	left := logOverdraft
	if !s.terminal {
		queued, err := unix.IoctlGetInt(s.fd, unix.TIOCINQ)
		if err != nil {
			return
		}
		left = queued
	}
	for left > 0 {
		free := s.log.tail(logOverdraft)
		if len(free) == 0 {
			return
		}
		n, err := read(s.fd, free[:min(len(free), left)])
		if err != nil || n == 0 {
			return
		}
		s.log.commit(n)
		left -= n
	}
}

func (s *source) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.file.Close()
}

func read(fd int, p []byte) (int, error) {
	for {
		n, err := unix.Read(fd, p)
		if err != unix.EINTR {
			return max(n, 0), err
		}
	}
}
