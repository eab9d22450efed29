// These tests prove that hosts can come, go and come back on one port. A socket stands in for the port.

package channel

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"os"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/sys/unix"
)

func port(t *testing.T) (guest *os.File, host net.Conn) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	file := os.NewFile(uintptr(fds[1]), "host")
	host, err = net.FileConn(file)
	file.Close()
	if err != nil {
		t.Fatal(err)
	}
	guest = os.NewFile(uintptr(fds[0]), "port")
	t.Cleanup(func() { host.Close(); guest.Close() })
	return guest, host
}

// open sends dead bytes and a preface and waits for its echo, which must be all there is.
func open(t *testing.T, host net.Conn, dead, line string) {
	t.Helper()
	if _, err := io.WriteString(host, dead+line); err != nil {
		t.Fatal(err)
	}
	var seen []byte
	one := make([]byte, 1)
	for !bytes.HasSuffix(seen, []byte(line)) {
		if _, err := host.Read(one); err != nil {
			t.Fatalf("%v after %q", err, seen)
		}
		seen = append(seen, one[0])
	}
}

// keep hides Close, so that a client can go without the port telling, as when the guest was paused meanwhile.
type keep struct{ net.Conn }

func (keep) Close() error { return nil }

func get(t *testing.T, host net.Conn) string {
	t.Helper()
	transport := &http2.Transport{AllowHTTP: true, DialTLSContext: func(context.Context, string, string, *tls.Config) (net.Conn, error) {
		return keep{host}, nil
	}}
	client, err := transport.NewClientConn(keep{host})
	if err != nil {
		t.Fatal(err)
	}
	request, _ := http.NewRequest("GET", "http://guest/", nil)
	response, err := client.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestSessionIsServedAfterDeadBytes(t *testing.T) {
	guest, host := port(t)
	go Serve(NewListener(guest), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") }))
	open(t, host, "\x00\x00\x04dead bytes PYRO/1 0", lineA)
	if got := get(t, host); got != "hello" {
		t.Errorf("got %q", got)
	}
}

func TestNothingButTheEchoIsSentBeforeTheClientPreface(t *testing.T) {
	guest, host := port(t)
	sessions := make(chan *Session)
	go func() {
		session, _ := NewListener(guest).Accept()
		sessions <- session
	}()
	open(t, host, "", lineA)
	select {
	case <-sessions:
		t.Fatal("accepted before the first byte")
	default:
	}
	// A host that went after its echo and came back.
	open(t, host, "", lineB)
	if _, err := io.WriteString(host, clientPreface); err != nil {
		t.Fatal(err)
	}
	session := <-sessions
	got := make([]byte, len(clientPreface))
	if _, err := io.ReadFull(session, got); err != nil || string(got) != clientPreface {
		t.Errorf("read %q, %v", got, err)
	}
}

func TestCloseReleasesABlockedWriter(t *testing.T) {
	guest, host := port(t)
	sessions := make(chan *Session)
	go func() {
		session, _ := NewListener(guest).Accept()
		sessions <- session
	}()
	open(t, host, "", lineA)
	io.WriteString(host, "PRI")
	session := <-sessions
	done := make(chan error)
	go func() {
		for {
			if _, err := session.Write(make([]byte, 1<<20)); err != nil {
				done <- err
				return
			}
		}
	}()
	session.Close()
	if err := <-done; err == nil {
		t.Error("no error")
	}
}

func TestNewPrefaceInsideASessionBeginsTheNext(t *testing.T) {
	guest, host := port(t)
	listener := NewListener(guest)
	ended := make(chan error)
	go func() {
		session, err := listener.Accept()
		if err == nil {
			_, err = io.ReadAll(session)
			session.Close()
		}
		ended <- err
		Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "second") }))
	}()
	open(t, host, "", lineA)
	io.WriteString(host, clientPreface+"\x00\x00\x00\x04\x00\x00\x00\x00\x00")
	io.WriteString(host, lineB)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	got := make([]byte, prefaceBytes)
	if _, err := io.ReadFull(host, got); err != nil || string(got) != lineB {
		t.Fatalf("echo %q, %v", got, err)
	}
	if got := get(t, host); got != "second" {
		t.Errorf("got %q", got)
	}
}
