// session.go owns one host connection on the port, from its preface to the hang-up; it never knows what is served on it.

package channel

import (
	"bytes"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// The driver hands over one page at a time.
const readBytes = 4 << 10

// A Listener makes sessions of a port, one after the other.
type Listener struct {
	port *os.File
	// Bytes of the next session that were read by the last.
	pending []byte
}

func NewListener(port *os.File) *Listener { return &Listener{port: port} }

// Accept waits for a host: reads past dead bytes to its preface, echoes that, and waits for the first bytes of the
// HTTP/2 client preface, so that nothing but the echo is sent before the host is ready for it.
func (l *Listener) Accept() (*Session, error) {
	_ = l.port.SetDeadline(time.Time{})
	data := l.pending
	l.pending = nil
	for {
		line, rest, keep := findPreface(data)
		if line == nil {
			more, err := l.read()
			if err != nil {
				return nil, err
			}
			data = append(bytes.Clone(keep), more...)
			continue
		}
		if _, err := l.port.Write(line); err != nil {
			return nil, err
		}
		var err error
		if data, err = l.upTo(bytes.Clone(rest), len("PRI")); err != nil {
			return nil, err
		}
		if !bytes.HasPrefix(data, []byte(prefaceMark[:3])) {
			return &Session{listener: l, port: l.port, rest: data}, nil
		}
	}
}

func (l *Listener) upTo(data []byte, n int) ([]byte, error) {
	for len(data) < n {
		more, err := l.read()
		if err != nil {
			return nil, err
		}
		data = append(data, more...)
	}
	return data, nil
}

// read waits for bytes. Without a host the port reads as at its end; the poller's edge wakes the wait when
// bytes come, never sooner, so it costs nothing.
func (l *Listener) read() ([]byte, error) {
	conn, err := l.port.SyscallConn()
	if err != nil {
		return nil, err
	}
	buffer := make([]byte, readBytes)
	var n int
	var readErr error
	err = conn.Read(func(fd uintptr) bool {
		n, readErr = syscall.Read(int(fd), buffer)
		return n > 0 || readErr != nil && readErr != syscall.EAGAIN && readErr != syscall.EINTR
	})
	if err == nil {
		err = readErr
	}
	if err != nil {
		return nil, err
	}
	return buffer[:n], nil
}

// A Session is the net.Conn of one host connection.
type Session struct {
	listener *Listener
	port     *os.File
	// Read and not yet handed on; often a part of buffer.
	rest    []byte
	buffer  []byte
	tracker frameTracker
	ended   bool

	reading sync.Mutex
	writing sync.Mutex
	mu      sync.Mutex
	closed  bool
}

func (s *Session) Read(p []byte) (int, error) {
	s.reading.Lock()
	defer s.reading.Unlock()
	if s.isClosed() {
		return 0, net.ErrClosed
	}
	if s.ended {
		return 0, io.EOF
	}
	if len(s.rest) == 0 && len(p) < readBytes {
		// HTTP/2 reads header and payload apart: one system call for both.
		if s.buffer == nil {
			s.buffer = make([]byte, readBytes)
		}
		n, err := s.port.Read(s.buffer)
		if err != nil {
			return 0, err
		}
		s.rest = s.buffer[:n]
	}
	var n int
	if len(s.rest) > 0 {
		n = copy(p, s.rest)
		s.rest = s.rest[n:]
	} else {
		var err error
		if n, err = s.port.Read(p); err != nil {
			return 0, err
		}
	}
	taken, carry := s.tracker.accept(p[:n])
	if taken < n || carry != nil {
		s.ended = true
		s.listener.pending = bytes.Join([][]byte{carry, p[taken:n], s.rest}, nil)
		if taken == 0 {
			return 0, io.EOF
		}
	}
	return taken, nil
}

func (s *Session) Write(p []byte) (int, error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.isClosed() {
		return 0, net.ErrClosed
	}
	return s.port.Write(p)
}

// Close ends the session, not the port. It returns when no read or write of it is under way.
func (s *Session) Close() error {
	s.mu.Lock()
	before := s.closed
	s.closed = true
	s.mu.Unlock()
	if before {
		// The port's deadline may be the next session's already.
		return nil
	}
	_ = s.port.SetDeadline(time.Unix(1, 0))
	s.reading.Lock()
	defer s.reading.Unlock()
	s.writing.Lock()
	defer s.writing.Unlock()
	return nil
}

func (s *Session) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

type portAddr struct{}

func (portAddr) Network() string { return "virtio" }
func (portAddr) String() string  { return "pyro.agent" }

func (s *Session) LocalAddr() net.Addr  { return portAddr{} }
func (s *Session) RemoteAddr() net.Addr { return portAddr{} }

// Deadlines belong to Close: the agent never gives up on a host by time.
func (s *Session) SetDeadline(time.Time) error      { return nil }
func (s *Session) SetReadDeadline(time.Time) error  { return nil }
func (s *Session) SetWriteDeadline(time.Time) error { return nil }
