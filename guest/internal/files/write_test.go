// These tests prove that one file is written whole or not at all, through links that stay inside, and keeps what is not content.

package files

import (
	"archive/tar"
	"context"
	"os"
	"reflect"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"golang.org/x/sys/unix"

	guestv1 "pyro/guest/internal/gen/pyro/guest/v1"
)

func (s *space) write(path, content string) (*guestv1.WriteFileResponse, error) {
	stream := s.client.WriteFile(context.Background())
	first, rest := content[:len(content)/2], content[len(content)/2:]
	_ = stream.Send(&guestv1.WriteFileRequest{Path: []byte(path), Mode: 0o644, Data: []byte(first)})
	_ = stream.Send(&guestv1.WriteFileRequest{Data: []byte(rest), End: true})
	response, err := stream.CloseAndReceive()
	if err != nil {
		return nil, err
	}
	return response.Msg, nil
}

func TestAFileIsWrittenThroughLinksThatStayInside(t *testing.T) {
	content := seed{
		"real/x": "old", "link": "-> real/x", "absolute": "-> /workspace/real/x", "chain": "-> link", "d": "-> real", "up": "-> real/../real/x",
		"dangling": "-> made/y", "out": "-> /etc/passwd", "away": "-> ../etc", "loop": "-> loop", "folder/": "/",
	}
	for path, want := range map[string]string{
		"real/x": "real/x", "link": "real/x", "absolute": "real/x", "chain": "real/x", "d/x": "real/x", "up": "real/x", "d/new": "real/new",
		"dangling": "made/y", "new/deep/f\xff": "new/deep/f\xff",
	} {
		s := newSpace(t, content)
		before := s.tree()
		response, err := s.write(path, "new content")
		must(t, err)
		if string(response.Path) != want || response.ByteCount != 11 {
			t.Errorf("%s: %q, %d bytes", path, response.Path, response.ByteCount)
		}
		after := s.tree()
		if after[want] != "new content" {
			t.Errorf("%s: %q", path, after[want])
		}
		for name, was := range before {
			if name != want && after[name] != was {
				t.Errorf("%s: %s was %q and is %q", path, name, was, after[name])
			}
		}
		if left, _ := os.ReadDir(s.disk + "/staging"); len(left) != 0 {
			t.Errorf("%s: %v is left", path, left)
		}
	}
	s := newSpace(t, content)
	before := s.tree()
	must(t, unix.Mkfifo(s.path("pipe"), 0o644))
	for path, refusal := range map[string]struct {
		code  connect.Code
		words string
	}{
		"out":               {connect.CodePermissionDenied, "leads out"},
		"away/x":            {connect.CodePermissionDenied, "leads out"},
		"loop":              {connect.CodeFailedPrecondition, "symbolic links"},
		"folder":            {connect.CodeFailedPrecondition, "is a folder"},
		"d":                 {connect.CodeFailedPrecondition, "is a folder"},
		"pipe":              {connect.CodeFailedPrecondition, "named pipe"},
		"real/x/y":          {connect.CodeNotFound, "not a directory"},
		".pyro-stage-a":     {connect.CodeInvalidArgument, "the agent's"},
		"d/../x":            {connect.CodeInvalidArgument, "part"},
		"":                  {connect.CodeInvalidArgument, "folder"},
		"d/" + "\x00":       {connect.CodeInvalidArgument, "NUL"},
		"real/" + long(300): {connect.CodeInvalidArgument, "255"},
	} {
		_, err := s.write(path, "lost")
		wantCode(t, err, refusal.code)
		if err == nil || !strings.Contains(err.Error(), refusal.words) {
			t.Errorf("%q: %v", path, err)
		}
	}
	must(t, os.Remove(s.path("pipe")))
	if got := s.tree(); !reflect.DeepEqual(got, before) {
		t.Errorf("%v", got)
	}
}

func long(n int) string { return strings.Repeat("x", n) }

func TestAFileThatIsWrittenKeepsItsOwnerModeAndAttributes(t *testing.T) {
	commit := func(s *space) error {
		_, err := s.stage("id", archive(t, tar.Header{Name: "x", Linkname: "new", Mode: 0o4711}))
		must(t, err)
		return s.commit("id", "")
	}
	write := func(s *space) error {
		_, err := s.write("x", "new")
		return err
	}
	for name, change := range map[string]func(s *space) error{"write": write, "commit": commit} {
		s := newSpace(t, seed{"x": "old"})
		path := s.path("x")
		must(t, os.Chown(path, 1000, 1001))
		must(t, os.Chmod(path, 0o4711|os.ModeSetuid))
		must(t, unix.Chmod(path, 0o4711))
		noAttributes := unix.Setxattr(path, "trusted.mark", []byte("kept"), 0)
		must(t, os.Link(path, s.path("other name")))
		must(t, change(s))
		var stat unix.Stat_t
		must(t, unix.Lstat(path, &stat))
		if stat.Uid != 1000 || stat.Gid != 1001 || stat.Mode != unix.S_IFREG|0o4711 || stat.Nlink != 1 {
			t.Errorf("%s: %d:%d, mode %o, %d names", name, stat.Uid, stat.Gid, stat.Mode, stat.Nlink)
		}
		value := make([]byte, 10)
		if n, err := unix.Getxattr(path, "trusted.mark", value); noAttributes == nil && (err != nil || string(value[:n]) != "kept") {
			t.Errorf("%s: attribute %q, %v", name, value[:max(n, 0)], err)
		}
		// Its other names are of the file that was there.
		if got := s.tree(); got["x"] != "new" || got["other name"] != "old" {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestAFileIsWrittenWholeOrNotAtAll(t *testing.T) {
	s := newSpace(t, seed{"x": "old"})
	before := s.tree()
	for _, path := range []string{"x", "new"} {
		ctx, cut := context.WithCancel(t.Context())
		stream := s.client.WriteFile(ctx)
		must(t, stream.Send(&guestv1.WriteFileRequest{Path: []byte(path), Data: []byte("half")}))
		must(t, stream.Send(&guestv1.WriteFileRequest{Data: []byte("of it")}))
		if names, _ := os.ReadDir(s.workspace + "/"); len(names) != 1 {
			t.Errorf("programs see %v", names)
		}
		cut()
		_, err := stream.CloseAndReceive()
		wantCode(t, err, connect.CodeCanceled)
		unended := s.client.WriteFile(t.Context())
		must(t, unended.Send(&guestv1.WriteFileRequest{Path: []byte(path), Data: []byte("half")}))
		_, err = unended.CloseAndReceive()
		wantCode(t, err, connect.CodeInvalidArgument)
	}
	if got := s.tree(); !reflect.DeepEqual(got, before) {
		t.Errorf("%v", got)
	}
	if changes := s.changes(); len(changes) != 0 {
		t.Errorf("%q changed", paths(changes))
	}
}

// A machine can die between the two steps in which a file takes the place of another.
func TestAHiddenNameGoesWithTheNextMount(t *testing.T) {
	s := newSpace(t, seed{"x": "old"})
	w, err := s.service.newWriting(s.service.folders)
	must(t, err)
	must(t, w.open(s.given.Workspace))
	must(t, w.remember())
	must(t, w.link(w.home, w.name()))
	closeFd(w.fd)
	closeFd(w.home)
	s.remount()
	if got := s.tree(); !reflect.DeepEqual(got, seed{"x": "old"}) {
		t.Errorf("%v", got)
	}
}

func TestWhatNoArchiveHoldsIsSaidToBeWhatItIs(t *testing.T) {
	s := newSpace(t, seed{"d/x": "1"})
	must(t, unix.Mkfifo(s.path("d/pipe"), 0o644))
	must(t, unix.Mknod(s.path("d/device"), unix.S_IFCHR|0o600, int(unix.Mkdev(1, 3))))
	must(t, unix.Mknod(s.path("d/socket"), unix.S_IFSOCK|0o600, 0))
	stream, err := s.client.Pack(t.Context(), connect.NewRequest(&guestv1.PackRequest{Path: []byte("d")}))
	must(t, err)
	got := map[string]guestv1.FileKind{}
	for stream.Receive() {
		for i, name := range stream.Msg().Skipped {
			got[string(name)] = stream.Msg().SkippedKinds[i]
		}
	}
	must(t, stream.Err())
	want := map[string]guestv1.FileKind{
		"d/pipe": guestv1.FileKind_FILE_KIND_FIFO, "d/device": guestv1.FileKind_FILE_KIND_DEVICE, "d/socket": guestv1.FileKind_FILE_KIND_SOCKET,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v", got)
	}
}

// Kernels before 6.10 have no files without a name in overlayfs.
func TestAWriteIsNotAmongTheFilesOfACheckout(t *testing.T) {
	s := newSpace(t, seed{".git/HEAD": "ref", "x": "old"})
	f := s.service.folders
	w, err := s.service.newWriting(f)
	must(t, err)
	must(t, w.remember())
	must(t, w.openNamed())
	if names, _ := os.ReadDir(s.workspace + "/"); len(names) != 2 {
		t.Errorf("programs see %v", names)
	}
	found, err := f.workspace.target("x")
	must(t, err)
	must(t, w.publish(found, attributes{mode: 0o600, mtime: 1e18}))
	found.end()
	w.end()
	if got := s.tree(); !reflect.DeepEqual(got, seed{".git": "/", ".git/HEAD": "ref", "x": ""}) {
		t.Errorf("%v", got)
	}
	if left, _ := os.ReadDir(s.disk + "/staging"); len(left) != 0 {
		t.Errorf("%v is left", left)
	}
}
