// These tests prove what ReadFiles gives and what it leaves out, and that it fits its messages.

package files

import (
	"context"
	"os"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"connectrpc.com/connect"

	guestv1 "pyro/guest/internal/gen/pyro/guest/v1"
)

// readMany returns the contents by their place in the request, and the bytes of each message.
func (s *space) readMany(files ...*guestv1.FileToRead) (map[uint32]string, []int, error) {
	stream, err := s.client.ReadFiles(context.Background(), connect.NewRequest(&guestv1.ReadFilesRequest{Files: files}))
	if err != nil {
		return nil, nil, err
	}
	defer stream.Close()
	contents := map[uint32]string{}
	var sizes []int
	for stream.Receive() {
		bytes := 0
		for _, file := range stream.Msg().Files {
			contents[file.Index] = string(file.Data)
			bytes += len(file.Data)
		}
		sizes = append(sizes, bytes)
	}
	return contents, sizes, stream.Err()
}

func workspaceFiles(paths ...string) []*guestv1.FileToRead {
	var files []*guestv1.FileToRead
	for _, path := range paths {
		files = append(files, &guestv1.FileToRead{Path: []byte(path)})
	}
	return files
}

func TestSmallFilesAreReadTogether(t *testing.T) {
	s := newSpace(t, seed{"a": "before", "empty": "", "link": "-> a", "d/b": "deep"})
	must(t, os.WriteFile(s.path("a"), []byte("after"), 0o600))
	files := append(workspaceFiles("a", "empty", "link", "d/b", "a"), &guestv1.FileToRead{Root: guestv1.FileRoot_FILE_ROOT_SEED, Path: []byte("a")})
	contents, sizes, err := s.readMany(files...)
	must(t, err)
	want := map[uint32]string{0: "after", 1: "", 2: "after", 3: "deep", 4: "after", 5: "before"}
	if !reflect.DeepEqual(contents, want) || len(sizes) != 1 {
		t.Errorf("%v in %v", contents, sizes)
	}
}

func TestWhatIsNoSmallFileIsLeftOut(t *testing.T) {
	most := strings.Repeat("x", smallFileBytes)
	s := newSpace(t, seed{"most": most, "large": most + "x", "d": "/", "out": "-> ../../etc/passwd", "loop": "-> loop", "last": "1"})
	must(t, syscall.Mkfifo(s.path("pipe"), 0o600))
	contents, _, err := s.readMany(workspaceFiles("missing", "large", "d", "out", "loop", "pipe", "most", "last")...)
	must(t, err)
	if want := map[uint32]string{6: most, 7: "1"}; !reflect.DeepEqual(contents, want) {
		t.Errorf("%d files: %v", len(contents), contents[7])
	}
	contents, sizes, err := s.readMany(workspaceFiles("missing")...)
	if err != nil || len(contents) != 0 || len(sizes) != 0 {
		t.Errorf("%v, %v, %v", contents, sizes, err)
	}
}

func TestMessagesOfFilesAreBounded(t *testing.T) {
	s := newSpace(t, seed{"a": strings.Repeat("a", 60_000)})
	contents, sizes, err := s.readMany(workspaceFiles(strings.Split(strings.Repeat("a,", 10)+"a", ",")...)...)
	must(t, err)
	if want := []int{240_000, 240_000, 180_000}; len(contents) != 11 || !reflect.DeepEqual(sizes, want) {
		t.Errorf("%d files in %v", len(contents), sizes)
	}
}

func TestARequestForFilesIsChecked(t *testing.T) {
	s := newSpace(t, seed{"a": "1"})
	for _, paths := range [][]string{{}, make([]string, mostFiles+1), {"a", "../a"}, {"a", "/a"}, {"a", ".pyro-stage-x"}} {
		_, _, err := s.readMany(workspaceFiles(paths...)...)
		wantCode(t, err, connect.CodeInvalidArgument)
	}
}
