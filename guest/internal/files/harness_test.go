// This file owns a workspace for the tests: real overlay mounts in a mount namespace of their own, served over HTTP.

package files

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"connectrpc.com/connect"
	"golang.org/x/sys/unix"

	guestv1 "pyro/guest/internal/gen/pyro/guest/v1"
	"pyro/guest/internal/gen/pyro/guest/v1/guestv1connect"
	"pyro/guest/internal/machine"
)

// A space is a mounted workspace. Its paths go through descriptors, since no test sees the mounts.
type space struct {
	t         *testing.T
	service   *Service
	client    guestv1connect.FileServiceClient
	workspace string
	seed      string
	disk      string
	given     machine.Folders
}

// seed is a set of files: content, "/" for a folder, "-> target" for a link.
type seed map[string]string

func (s seed) write(t *testing.T, folder string) {
	t.Helper()
	for path, content := range s {
		path = filepath.Join(folder, path)
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		switch {
		case content == "/":
			must(t, os.MkdirAll(path, 0o755))
		case len(content) > 3 && content[:3] == "-> ":
			must(t, os.Symlink(content[3:], path))
		default:
			must(t, os.WriteFile(path, []byte(content), 0o644))
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// overlaid runs do in a fresh mount namespace with /seed, /disk and an overlay at /workspace below a folder.
func overlaid(t testing.TB, fill func(lower string), do func(folder string) error) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("overlay mounts need root")
	}
	folder := t.TempDir()
	failed := make(chan error)
	go func() {
		runtime.LockOSThread()
		failed <- func() error {
			if err := unix.Unshare(unix.CLONE_NEWNS | unix.CLONE_FS); err != nil {
				return errSkip{err}
			}
			if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
				return errSkip{err}
			}
			if err := unix.Mount("tmpfs", folder, "tmpfs", 0, ""); err != nil {
				return errSkip{err}
			}
			for _, name := range []string{"seed", "workspace", "disk/workspace/upper", "disk/workspace/work"} {
				if err := os.MkdirAll(filepath.Join(folder, name), 0o755); err != nil {
					return err
				}
			}
			fill(filepath.Join(folder, "seed"))
			if err := mountOverlay(folder); err != nil {
				return errSkip{err}
			}
			return do(folder)
		}()
	}()
	err := <-failed
	var skip errSkip
	if errors.As(err, &skip) {
		t.Skipf("no overlay mounts here: %v", skip.error)
	}
	must(t, err)
}

type errSkip struct{ error }

func mountOverlay(folder string) error {
	options := fmt.Sprintf("lowerdir=%[1]s/seed,upperdir=%[1]s/disk/workspace/upper,workdir=%[1]s/disk/workspace/work,redirect_dir=on,index=on,xino=on,metacopy=off", folder)
	return unix.Mount("overlay", filepath.Join(folder, "workspace"), "overlay", 0, options)
}

func newSpace(t *testing.T, content seed) *space {
	t.Helper()
	s := &space{t: t, service: NewService()}
	overlaid(t, func(lower string) { content.write(t, lower) }, func(folder string) error {
		for name, fd := range map[string]*int{
			"workspace": &s.given.Workspace, "seed": &s.given.Seed, "disk": &s.given.Disk, "disk/workspace/upper": &s.given.Upper,
		} {
			var err error
			if *fd, err = unix.Open(filepath.Join(folder, name), unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err != nil {
				return err
			}
		}
		return nil
	})
	s.workspace, s.seed, s.disk = fdPath(s.given.Workspace), fdPath(s.given.Seed), fdPath(s.given.Disk)
	must(t, s.service.Attach(s.given))
	mux := http.NewServeMux()
	mux.Handle(guestv1connect.NewFileServiceHandler(s.service))
	server := httptest.NewServer(mux)
	t.Cleanup(func() {
		server.Close()
		must(t, s.service.Detach(context.Background()))
	})
	s.client = guestv1connect.NewFileServiceClient(server.Client(), server.URL)
	return s
}

func fdPath(fd int) string { return fmt.Sprintf("/proc/self/fd/%d", fd) }

func (s *space) path(name string) string { return s.workspace + "/" + name }

// remount is what a restart of the machine does.
func (s *space) remount() {
	s.t.Helper()
	again := machine.Folders{}
	for from, to := range map[int]*int{
		s.given.Workspace: &again.Workspace, s.given.Seed: &again.Seed, s.given.Disk: &again.Disk, s.given.Upper: &again.Upper,
	} {
		fd, err := unix.FcntlInt(uintptr(from), unix.F_DUPFD_CLOEXEC, 0)
		must(s.t, err)
		*to = fd
	}
	must(s.t, s.service.Detach(context.Background()))
	s.given = again
	s.workspace, s.seed, s.disk = fdPath(again.Workspace), fdPath(again.Seed), fdPath(again.Disk)
	must(s.t, s.service.Attach(again))
}

func (s *space) list(request *guestv1.ListFilesRequest) ([]*guestv1.FileEntry, bool, error) {
	stream, err := s.client.ListFiles(context.Background(), connect.NewRequest(request))
	if err != nil {
		return nil, false, err
	}
	defer stream.Close()
	var entries []*guestv1.FileEntry
	truncated := false
	for stream.Receive() {
		entries = append(entries, stream.Msg().Entries...)
		truncated = stream.Msg().Truncated
	}
	return entries, truncated, stream.Err()
}

func (s *space) changes(exclude ...string) []*guestv1.FileEntry {
	s.t.Helper()
	request := &guestv1.ListChangesRequest{MaxEntries: 100_000}
	for _, path := range exclude {
		request.Exclude = append(request.Exclude, []byte(path))
	}
	stream, err := s.client.ListChanges(context.Background(), connect.NewRequest(request))
	must(s.t, err)
	defer stream.Close()
	var entries []*guestv1.FileEntry
	for stream.Receive() {
		entries = append(entries, stream.Msg().Entries...)
	}
	must(s.t, stream.Err())
	return entries
}

func (s *space) read(request *guestv1.ReadFileRequest) (*guestv1.FileEntry, string, error) {
	stream, err := s.client.ReadFile(context.Background(), connect.NewRequest(request))
	if err != nil {
		return nil, "", err
	}
	defer stream.Close()
	var entry *guestv1.FileEntry
	var data []byte
	for first := true; stream.Receive(); first = false {
		if first {
			entry = stream.Msg().Entry
		}
		data = append(data, stream.Msg().Data...)
	}
	return entry, string(data), stream.Err()
}

type packed struct {
	header *tar.Header
	data   string
}

func (s *space) pack(path string, contentOnly bool) ([]packed, []string, error) {
	stream, err := s.client.Pack(context.Background(), connect.NewRequest(&guestv1.PackRequest{Path: []byte(path), ContentOnly: contentOnly}))
	if err != nil {
		return nil, nil, err
	}
	defer stream.Close()
	var archive bytes.Buffer
	var skipped []string
	for stream.Receive() {
		archive.Write(stream.Msg().Data)
		for _, name := range stream.Msg().Skipped {
			skipped = append(skipped, string(name))
		}
	}
	if stream.Err() != nil {
		return nil, nil, stream.Err()
	}
	var entries []packed
	reader := tar.NewReader(&archive)
	for {
		header, err := reader.Next()
		if err == io.EOF {
			return entries, skipped, nil
		}
		must(s.t, err)
		data, err := io.ReadAll(reader)
		must(s.t, err)
		entries = append(entries, packed{header, string(data)})
	}
}

// archive makes a tar of headers; a regular file's content is in Linkname.
func archive(t testing.TB, headers ...tar.Header) []byte {
	t.Helper()
	var out bytes.Buffer
	writer := tar.NewWriter(&out)
	for _, h := range headers {
		content := ""
		if h.Typeflag == tar.TypeReg || h.Typeflag == 0 {
			h.Typeflag = tar.TypeReg
			content, h.Linkname = h.Linkname, ""
			h.Size = int64(len(content))
		}
		if h.Mode == 0 {
			h.Mode = 0o644
		}
		h.Format = tar.FormatPAX
		must(t, writer.WriteHeader(&h))
		_, err := io.WriteString(writer, content)
		must(t, err)
	}
	must(t, writer.Close())
	return out.Bytes()
}

func (s *space) stage(id string, archive []byte) (*guestv1.StageResponse, error) {
	stream := s.client.Stage(context.Background())
	_ = stream.Send(&guestv1.StageRequest{StageId: id})
	for len(archive) > 0 {
		n := min(len(archive), 1000)
		if stream.Send(&guestv1.StageRequest{Data: archive[:n]}) != nil {
			break
		}
		archive = archive[n:]
	}
	response, err := stream.CloseAndReceive()
	if err != nil {
		return nil, err
	}
	return response.Msg, nil
}

func (s *space) commit(id, destination string, remove ...string) error {
	request := &guestv1.CommitRequest{StageId: id, Destination: []byte(destination)}
	for _, path := range remove {
		request.Remove = append(request.Remove, []byte(path))
	}
	_, err := s.client.Commit(context.Background(), connect.NewRequest(request))
	return err
}

// tree is what programs see: content, "/" for a folder, "-> target" for a link.
func (s *space) tree() seed {
	s.t.Helper()
	return treeOf(s.t, s.workspace+"/")
}

func treeOf(t testing.TB, folder string) seed {
	t.Helper()
	all := seed{}
	must(t, filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
		if err != nil || path == folder {
			return err
		}
		name := path[len(folder):]
		switch {
		case entry.IsDir():
			all[name] = "/"
		case entry.Type() == os.ModeSymlink:
			target, err := os.Readlink(path)
			all[name] = "-> " + target
			return err
		case entry.Type().IsRegular():
			data, err := os.ReadFile(path)
			all[name] = string(data)
			return err
		default:
			all[name] = "special"
		}
		return nil
	}))
	return all
}

func wantCode(t *testing.T, err error, code connect.Code) {
	t.Helper()
	if err == nil || connect.CodeOf(err) != code {
		t.Errorf("%v, want %v", err, code)
	}
}
