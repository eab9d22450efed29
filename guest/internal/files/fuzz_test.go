// These fuzzers prove that no path, redirect or archive gets past its check.

package files

import (
	"archive/tar"
	"bytes"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func FuzzCheckPath(f *testing.F) {
	for _, text := range []string{"", "a/b", "/a", "a/", "a//b", "..", "a/../b", "a/.", "a\x00b", ".pyro-stage-x", "a/.pyro-stage-x"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := checkPath(text)
		if err != nil || got == "" {
			return
		}
		if path.Clean("/"+got) != "/"+got || strings.IndexByte(got, 0) >= 0 || isHidden(got) || len(got) > maxPath {
			t.Errorf("%q was accepted", text)
		}
	})
}

func FuzzEntryPath(f *testing.F) {
	for _, text := range []string{"./a/", "a//b", "/a", "../a", "a/..", "./.", "./.pyro-stage-x/y"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := entryPath(text)
		if err != nil {
			return
		}
		if _, err := checkPath([]byte(got)); err != nil {
			t.Errorf("%q became %q", text, got)
		}
	})
}

func FuzzRedirect(f *testing.F) {
	f.Add("a/b", "c", []byte("n"), []byte("/x/y"))
	f.Add("", "c", []byte("y"), []byte("d"))
	f.Add("a", "c", []byte("x"), []byte("/../../etc"))
	f.Fuzz(func(t *testing.T, parent, name string, opaque, redirect []byte) {
		if _, err := checkPath([]byte(parent)); err != nil || checkName(name) != nil || strings.Contains(name, "/") {
			return
		}
		own, err := sourceOf(source{path: parent}, name, marks{opaque, redirect})
		if err != nil || own.none {
			return
		}
		if !isPath(own.path) {
			t.Errorf("%q leads to %q", redirect, own.path)
		}
	})
}

func FuzzUnpack(f *testing.F) {
	f.Add(archiveOf(f, "a/b", "content", "./c", ""))
	f.Add(archive(f, tar.Header{Name: "l", Typeflag: tar.TypeSymlink, Linkname: ".."}, tar.Header{Name: "l/x", Linkname: "lost"}))
	f.Add(archive(f, tar.Header{Name: "a", Linkname: "1"}, tar.Header{Name: "b", Typeflag: tar.TypeLink, Linkname: "a"}, tar.Header{Name: "a/", Typeflag: tar.TypeDir}))
	f.Fuzz(func(t *testing.T, data []byte) {
		outside := t.TempDir()
		tree := filepath.Join(outside, "tree")
		must(t, os.Mkdir(tree, 0o755))
		fd, err := unix.Open(tree, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		must(t, err)
		records, err := unix.Open(t.TempDir(), unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		must(t, err)
		defer closeFd(records)
		log, err := newFolderLog(records, "id")
		must(t, err)
		u := &unpacker{tree: fd, parent: -1, folders: log, buffer: make([]byte, chunkBytes)}
		_ = u.unpack(bytes.NewReader(data))
		must(t, u.end())
		if names, _ := os.ReadDir(outside); len(names) != 1 {
			t.Errorf("%v", names)
		}
	})
}
