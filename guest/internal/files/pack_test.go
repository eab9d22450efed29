// These tests prove that an archive holds the tree exactly.

package files

import (
	"archive/tar"
	"context"
	"net"
	"os"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"connectrpc.com/connect"

	guestv1 "pyro/guest/internal/gen/pyro/guest/v1"
)

func names(entries []packed) []string {
	var all []string
	for _, entry := range entries {
		all = append(all, entry.header.Name)
	}
	return all
}

func TestAnArchiveHoldsTheTree(t *testing.T) {
	odd := "d/\xff\xfe\n" + strings.Repeat("x", 200)
	s := newSpace(t, seed{"d/file": "content", "d/sub/empty": "/", "d/link": "-> ../\xff", odd: "odd", "other": "1"})
	must(t, os.Link(s.path("d/file"), s.path("d/same")))
	must(t, os.Chmod(s.path("d/file"), 0o751|os.ModeSetgid))
	must(t, os.Chtimes(s.path("d/file"), timeOf(0), timeOf(1_700_000_000_123_456_789)))
	must(t, syscall.Mkfifo(s.path("d/pipe"), 0o600))
	here, err := os.Getwd()
	must(t, err)
	must(t, os.Chdir(s.path("d")))
	listener, err := net.Listen("unix", "socket")
	must(t, os.Chdir(here))
	must(t, err)
	defer listener.Close()
	entries, skipped, err := s.pack("d", false)
	must(t, err)
	if want := []string{"d/", "d/file", "d/link", "d/same", "d/sub/", "d/sub/empty/", odd}; !reflect.DeepEqual(names(entries), want) {
		t.Errorf("%q", names(entries))
	}
	if want := []string{"d/pipe", "d/socket"}; !reflect.DeepEqual(skipped, want) {
		t.Errorf("skipped %q", skipped)
	}
	file, link, same := entries[1].header, entries[2].header, entries[3].header
	if file.Mode != 0o2751 || file.ModTime.UnixNano() != 1_700_000_000_123_456_789 || entries[1].data != "content" || file.Uid != 0 {
		t.Errorf("%+v", file)
	}
	if link.Linkname != "../\xff" || same.Typeflag != tar.TypeLink || same.Linkname != "d/file" || entries[6].data != "odd" {
		t.Errorf("%+v, %+v, %q", link, same, entries[6].data)
	}
}

func TestNamesInAnArchiveAreRelative(t *testing.T) {
	s := newSpace(t, seed{"a/b/c": "1", "a/b/d": "2", "l": "-> /workspace/a", "out": "-> /etc"})
	for _, c := range []struct {
		path        string
		contentOnly bool
		want        []string
	}{
		{"a/b", false, []string{"b/", "b/c", "b/d"}},
		{"a/b", true, []string{"c", "d"}},
		{"a/b/c", false, []string{"c"}},
		{"l/b", true, []string{"c", "d"}},
		{"l/b", false, []string{"b/", "b/c", "b/d"}},
		{"l", false, []string{"l"}},
		{"", true, []string{"a/", "a/b/", "a/b/c", "a/b/d", "l", "out"}},
		{"", false, []string{"workspace/", "workspace/a/", "workspace/a/b/", "workspace/a/b/c", "workspace/a/b/d", "workspace/l", "workspace/out"}},
	} {
		entries, _, err := s.pack(c.path, c.contentOnly)
		if err != nil || !reflect.DeepEqual(names(entries), c.want) {
			t.Errorf("%q %v: %q, %v", c.path, c.contentOnly, names(entries), err)
		}
	}
	for path, code := range map[string]connect.Code{"missing": connect.CodeNotFound, "a/b/c": connect.CodeFailedPrecondition, "out": connect.CodePermissionDenied} {
		_, _, err := s.pack(path, true)
		wantCode(t, err, code)
	}
}

func TestAFileThatChangesKeepsTheArchiveWhole(t *testing.T) {
	s := newSpace(t, seed{"grow": strings.Repeat("a", 300_000), "shrink": strings.Repeat("b", 300_000), "z": "last"})
	stop := make(chan struct{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for i := int64(0); ; i++ {
			select {
			case <-stop:
				return
			default:
				_ = os.Truncate(s.path("shrink"), 300_000-i%300_000)
				_ = os.Truncate(s.path("grow"), 300_000+i%300_000)
			}
		}
	}()
	for range 8 {
		entries, _, err := s.pack("", true)
		must(t, err)
		if got := names(entries); !reflect.DeepEqual(got, []string{"grow", "shrink", "z"}) || entries[2].data != "last" {
			t.Fatalf("%q", got)
		}
	}
	close(stop)
	<-ended
}

func TestPackingStopsWithItsCaller(t *testing.T) {
	s := newSpace(t, seed{"x": "1"})
	must(t, os.Truncate(s.path("x"), 1<<40))
	ctx, cancel := context.WithCancel(t.Context())
	stream, err := s.client.Pack(ctx, connect.NewRequest(&guestv1.PackRequest{}))
	must(t, err)
	if !stream.Receive() {
		t.Fatal(stream.Err())
	}
	cancel()
	for stream.Receive() {
	}
	stream.Close()
	// Returns only when the call has ended.
	must(t, s.service.Detach(t.Context()))
}
