// These tests prove what ListFiles and ReadFile show, and that no link or race shows more.

package files

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"connectrpc.com/connect"
	"golang.org/x/sys/unix"

	guestv1 "pyro/guest/internal/gen/pyro/guest/v1"
)

func paths(entries []*guestv1.FileEntry) []string {
	var all []string
	for _, entry := range entries {
		all = append(all, string(entry.Path))
	}
	return all
}

func TestFilesAreListedInTheByteOrderOfTheirPaths(t *testing.T) {
	s := newSpace(t, seed{"a/b": "1", "a-b": "2", "a.txt": "3", "a/b.c/d": "4", "a/b-c": "5", "z\xff\n": "6", "a!/x": "7"})
	entries, truncated, err := s.list(&guestv1.ListFilesRequest{Recursive: true, MaxEntries: 1000})
	must(t, err)
	got := paths(entries)
	if want := []string{"a", "a!", "a!/x", "a-b", "a.txt", "a/b", "a/b-c", "a/b.c", "a/b.c/d", "z\xff\n"}; truncated || !reflect.DeepEqual(got, want) {
		t.Errorf("%q", got)
	}
	if !slices.IsSorted(got) {
		t.Errorf("not sorted: %q", got)
	}
}

func TestAnEntrySaysWhatTheFileIs(t *testing.T) {
	s := newSpace(t, seed{"file": "12345", "link": "-> file", "folder": "/"})
	must(t, os.Chmod(s.path("file"), 0o644|os.ModeSetuid))
	must(t, os.Link(s.path("file"), s.path("same")))
	must(t, syscall.Mkfifo(s.path("pipe"), 0o600))
	for _, name := range []string{"file", "pipe", "folder"} {
		must(t, os.Chtimes(s.path(name), timeOf(1), timeOf(1_700_000_000_123_456_789)))
	}
	entries, _, err := s.list(&guestv1.ListFilesRequest{MaxEntries: 100})
	must(t, err)
	byName := map[string]*guestv1.FileEntry{}
	for _, entry := range entries {
		byName[string(entry.Path)] = entry
	}
	file, same := byName["file"], byName["same"]
	if file.Kind != guestv1.FileKind_FILE_KIND_REGULAR || file.Mode != 0o4644 || file.Size != 5 || file.MtimeUnixNanos != 1_700_000_000_123_456_789 {
		t.Errorf("%v", file)
	}
	if file.HardLinkGroup == 0 || file.HardLinkGroup != same.HardLinkGroup || byName["pipe"].HardLinkGroup != 0 {
		t.Errorf("%v, %v", file, same)
	}
	if link := byName["link"]; link.Kind != guestv1.FileKind_FILE_KIND_SYMLINK || string(link.LinkTarget) != "file" || link.Size != 0 {
		t.Errorf("%v", link)
	}
	if byName["pipe"].Kind != guestv1.FileKind_FILE_KIND_FIFO || byName["folder"].Kind != guestv1.FileKind_FILE_KIND_DIRECTORY || len(byName) != 5 {
		t.Errorf("%v", byName)
	}
}

func TestAListIsBounded(t *testing.T) {
	content := seed{}
	for i := range 3000 {
		content[fmt.Sprintf("d/%04d", i)] = ""
	}
	s := newSpace(t, content)
	for _, most := range []uint32{1, 2, 511, 512, 513, 3000, 3001, 4000} {
		entries, truncated, err := s.list(&guestv1.ListFilesRequest{Recursive: true, MaxEntries: most})
		must(t, err)
		if len(entries) != min(int(most), 3001) || truncated != (most < 3001) || !slices.IsSorted(paths(entries)) {
			t.Errorf("%d: %d entries, truncated %v", most, len(entries), truncated)
		}
	}
	_, _, err := s.list(&guestv1.ListFilesRequest{})
	wantCode(t, err, connect.CodeInvalidArgument)
}

func TestOnlyAFolderIsListed(t *testing.T) {
	s := newSpace(t, seed{"file": "", "d/x": "", "inside": "-> /workspace/d", "outside": "-> /etc"})
	for path, code := range map[string]connect.Code{
		"file": connect.CodeFailedPrecondition, "missing": connect.CodeNotFound, "file/x": connect.CodeNotFound,
		"outside": connect.CodePermissionDenied, "../etc": connect.CodeInvalidArgument, "/etc": connect.CodeInvalidArgument,
	} {
		_, _, err := s.list(&guestv1.ListFilesRequest{Path: []byte(path), MaxEntries: 10})
		wantCode(t, err, code)
	}
	entries, _, err := s.list(&guestv1.ListFilesRequest{Path: []byte("inside"), MaxEntries: 10})
	if err != nil || !reflect.DeepEqual(paths(entries), []string{"inside/x"}) {
		t.Errorf("%v, %v", entries, err)
	}
}

func TestLinksThatStayInsideAreFollowed(t *testing.T) {
	s := newSpace(t, seed{
		"d/e/file": "content", "relative": "-> d/e", "absolute": "-> /workspace/d", "out-and-in": "-> ../workspace/d/e/file",
		"d/up": "-> ../relative/../e/file", "chain": "-> absolute/up", "self": "-> /workspace", "dots": "-> //./workspace/../workspace/d/e/./file",
	})
	for _, path := range []string{"d/e/file", "relative/file", "absolute/e/file", "out-and-in", "d/up", "chain", "self/self/chain", "dots"} {
		_, data, err := s.read(&guestv1.ReadFileRequest{Path: []byte(path)})
		if err != nil || data != "content" {
			t.Errorf("%s: %q, %v", path, data, err)
		}
	}
	_, data, err := s.read(&guestv1.ReadFileRequest{Root: guestv1.FileRoot_FILE_ROOT_SEED, Path: []byte("self/chain")})
	if err != nil || data != "content" {
		t.Errorf("%q, %v", data, err)
	}
}

func TestLinksThatLeadOutAreRefused(t *testing.T) {
	s := newSpace(t, seed{
		"absolute": "-> /etc/passwd", "up": "-> ../etc/passwd", "folder": "-> /etc", "d/far": "-> ../../../../../../../../etc", "d/proc": "-> /proc/self/root/etc/passwd",
		"loop": "-> loop", "two": "-> /workspace/one", "one": "-> two", "root": "-> /", "near": "-> /workspace2/x", "top": "-> ..",
	})
	for path, code := range map[string]connect.Code{
		"absolute": connect.CodePermissionDenied, "up": connect.CodePermissionDenied, "folder/passwd": connect.CodePermissionDenied,
		"d/far/passwd": connect.CodePermissionDenied, "d/proc": connect.CodePermissionDenied, "root/etc/passwd": connect.CodePermissionDenied,
		"near": connect.CodePermissionDenied, "top/etc/passwd": connect.CodePermissionDenied, "top": connect.CodePermissionDenied,
		"loop": connect.CodeFailedPrecondition, "one": connect.CodeFailedPrecondition,
	} {
		_, data, err := s.read(&guestv1.ReadFileRequest{Path: []byte(path)})
		if data != "" {
			t.Errorf("%s leads to %q", path, data)
		}
		wantCode(t, err, code)
	}
}

func TestARangeIsRead(t *testing.T) {
	large := strings.Repeat("0123456789", 20_000)
	s := newSpace(t, seed{"large": large, "empty": ""})
	for _, c := range []struct {
		offset, most uint64
		want         string
	}{{0, 0, large}, {5, 10, large[5:15]}, {199_990, 100, large[199_990:]}, {200_000, 0, ""}, {1 << 40, 5, ""}, {65_536, 65_536, large[65_536 : 2*65_536]}} {
		entry, data, err := s.read(&guestv1.ReadFileRequest{Path: []byte("large"), Offset: c.offset, MaxBytes: c.most})
		if err != nil || data != c.want || entry.GetSize() != 200_000 {
			t.Errorf("%d+%d: %d bytes, %v, %v", c.offset, c.most, len(data), entry, err)
		}
	}
	entry, data, err := s.read(&guestv1.ReadFileRequest{Path: []byte("empty")})
	if err != nil || data != "" || string(entry.GetPath()) != "empty" {
		t.Errorf("%v, %q, %v", entry, data, err)
	}
}

func TestOnlyARegularFileIsRead(t *testing.T) {
	s := newSpace(t, seed{"d": "/"})
	must(t, syscall.Mkfifo(s.path("pipe"), 0o600))
	must(t, unix.Mknod(s.path("null"), unix.S_IFCHR|0o600, int(unix.Mkdev(1, 3))))
	for _, path := range []string{"d", "pipe", "null", ""} {
		_, _, err := s.read(&guestv1.ReadFileRequest{Path: []byte(path)})
		wantCode(t, err, connect.CodeFailedPrecondition)
	}
}

// A program swaps a folder for a link out while the agent works in it.
func TestRacesDoNotLeadOut(t *testing.T) {
	s := newSpace(t, seed{"d/secret": "inside"})
	outside := t.TempDir()
	must(t, os.WriteFile(outside+"/secret", []byte("outside"), 0o600))
	must(t, os.Symlink(outside, s.path("link")))
	var swapping sync.WaitGroup
	stop := make(chan struct{})
	swapping.Add(1)
	go func() {
		defer swapping.Done()
		for {
			select {
			case <-stop:
				return
			default:
				_ = unix.Renameat2(s.given.Workspace, "d", s.given.Workspace, "link", unix.RENAME_EXCHANGE)
			}
		}
	}()
	for i := range 80 {
		if _, data, _ := s.read(&guestv1.ReadFileRequest{Path: []byte("d/secret")}); data != "" && data != "inside" {
			t.Fatalf("read %q", data)
		}
		entries, _, _ := s.list(&guestv1.ListFilesRequest{Recursive: true, MaxEntries: 100})
		for _, entry := range entries {
			if entry.Size == uint64(len("outside")) && entry.Kind == guestv1.FileKind_FILE_KIND_REGULAR {
				t.Fatalf("listed %v", entry)
			}
		}
		archive, _, _ := s.pack("", true)
		for _, entry := range archive {
			if entry.data == "outside" {
				t.Fatal("packed the file outside")
			}
		}
		if i%20 == 0 {
			if _, err := s.stage("race", archiveOf(t, "d/third", "staged")); err == nil {
				_ = s.commit("race", "", "d/other")
			}
		}
		if data, _ := os.ReadFile(outside + "/secret"); string(data) != "outside" {
			t.Fatalf("wrote %q", data)
		}
	}
	close(stop)
	swapping.Wait()
	if names, _ := os.ReadDir(outside); len(names) != 1 {
		t.Errorf("%v", names)
	}
}

func TestWithoutASeedThereIsNothingToCompare(t *testing.T) {
	s := newSpace(t, seed{"x": "1"})
	closeFd(s.given.Upper)
	closeFd(s.given.Seed)
	s.service.folders.upper, s.service.folders.seed.fd = -1, -1
	stream, err := s.client.ListChanges(t.Context(), connect.NewRequest(&guestv1.ListChangesRequest{MaxEntries: 1}))
	must(t, err)
	if stream.Receive() {
		t.Error("there are changes")
	}
	wantCode(t, stream.Err(), connect.CodeFailedPrecondition)
	_, _, err = s.list(&guestv1.ListFilesRequest{Root: guestv1.FileRoot_FILE_ROOT_SEED, MaxEntries: 1})
	wantCode(t, err, connect.CodeFailedPrecondition)
	if entries, _, err := s.list(&guestv1.ListFilesRequest{MaxEntries: 1}); err != nil || len(entries) != 1 {
		t.Errorf("%v, %v", entries, err)
	}
}

func TestNothingWorksWhileNothingIsMounted(t *testing.T) {
	s := newSpace(t, seed{"x": "1"})
	must(t, s.service.Detach(t.Context()))
	_, _, err := s.list(&guestv1.ListFilesRequest{MaxEntries: 1})
	wantCode(t, err, connect.CodeFailedPrecondition)
	_, err = s.stage("a", archiveOf(t, "x", ""))
	wantCode(t, err, connect.CodeFailedPrecondition)
}
