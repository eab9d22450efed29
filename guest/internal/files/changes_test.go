// These tests prove that the list of changes, laid over the seed, gives exactly what programs see.

package files

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"golang.org/x/sys/unix"

	guestv1 "pyro/guest/internal/gen/pyro/guest/v1"
)

func timeOf(nanos int64) time.Time { return time.Unix(0, nanos) }

func describe(entry *guestv1.FileEntry) string {
	text := fmt.Sprintf("%s %s", entry.Path, strings.TrimPrefix(entry.Kind.String(), "FILE_KIND_"))
	if entry.Opaque {
		text += " opaque"
	}
	if entry.Redirect != nil {
		text += " from " + string(entry.Redirect)
	}
	return text
}

func TestChangesAreWhatWasTouched(t *testing.T) {
	s := newSpace(t, seed{
		"gone/file": "1", "removed": "2", "moved/a/b": "3", "again/old": "4", "kept/file": "5", "renamed/x": "6",
		"deep/one/two/three": "7", ".git/config": "8", ".git/x/y": "9", "sub/.git/config": "10",
	})
	must(t, os.RemoveAll(s.path("gone")))
	must(t, os.Remove(s.path("removed")))
	must(t, os.Mkdir(s.path("new"), 0o755))
	must(t, os.Rename(s.path("moved"), s.path("new/place")))
	must(t, os.Rename(s.path("renamed"), s.path("renamed2")))
	must(t, os.RemoveAll(s.path("again")))
	must(t, os.Mkdir(s.path("again"), 0o755))
	must(t, os.Rename(s.path("deep/one/two"), s.path("deep/one/zwei")))
	must(t, os.Rename(s.path("deep/one"), s.path("one")))
	must(t, os.WriteFile(s.path("one/zwei/three"), []byte("changed"), 0o644))
	must(t, os.WriteFile(s.path(".git/x/y"), []byte("changed"), 0o644))
	must(t, os.WriteFile(s.path("sub/.git/config"), []byte("changed"), 0o644))
	var got []string
	for _, entry := range s.changes(".git") {
		got = append(got, describe(entry))
	}
	want := []string{
		".git DIRECTORY", "again DIRECTORY opaque", "deep DIRECTORY", "deep/one WHITEOUT", "gone WHITEOUT", "moved WHITEOUT", "new DIRECTORY opaque",
		"new/place DIRECTORY from moved", "one DIRECTORY from deep/one", "one/two WHITEOUT", "one/zwei DIRECTORY from deep/one/two", "one/zwei/three REGULAR",
		"removed WHITEOUT", "renamed WHITEOUT", "renamed2 DIRECTORY from renamed", "sub DIRECTORY", "sub/.git DIRECTORY", "sub/.git/config REGULAR",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestAFreshSeedHasNoChanges(t *testing.T) {
	s := newSpace(t, seed{"a/b": "1"})
	if entries := s.changes(); len(entries) != 0 {
		t.Errorf("%v", entries)
	}
	_ = s.tree()
	if entries := s.changes(); len(entries) != 0 {
		t.Errorf("%v", entries)
	}
}

func TestTooManyChangesFail(t *testing.T) {
	s := newSpace(t, seed{})
	for i := range 20 {
		must(t, os.WriteFile(s.path(fmt.Sprint(i)), nil, 0o644))
	}
	for most, fails := range map[uint32]bool{19: true, 20: false} {
		stream, err := s.client.ListChanges(t.Context(), connect.NewRequest(&guestv1.ListChangesRequest{MaxEntries: most}))
		must(t, err)
		for stream.Receive() {
		}
		if fails {
			wantCode(t, stream.Err(), connect.CodeResourceExhausted)
		} else if stream.Err() != nil {
			t.Error(stream.Err())
		}
	}
}

// laid puts a list of changes over a seed, as overlayfs does.
type laid struct {
	seed    seed
	changes map[string]*guestv1.FileEntry
	read    func(path string) string
	out     seed
}

func (l *laid) folder(path, from string, hasSeed bool) {
	names := map[string]bool{}
	if hasSeed {
		for name := range l.seed {
			if above, last := split(name); above == from {
				names[last] = true
			}
		}
	}
	for name := range l.changes {
		if above, last := split(name); above == path {
			names[last] = true
		}
	}
	for name := range names {
		l.name(join(path, name), join(from, name), hasSeed)
	}
}

func (l *laid) name(path, from string, hasSeed bool) {
	entry := l.changes[path]
	if entry == nil {
		l.out[path] = l.seed[from]
		if l.seed[from] == "/" {
			l.folder(path, from, true)
		}
		return
	}
	switch entry.Kind {
	case guestv1.FileKind_FILE_KIND_WHITEOUT:
	case guestv1.FileKind_FILE_KIND_DIRECTORY:
		l.out[path] = "/"
		switch {
		case entry.Opaque:
			hasSeed = false
		case entry.Redirect != nil:
			from, hasSeed = string(entry.Redirect), true
		}
		l.folder(path, from, hasSeed && l.seed[from] == "/")
	case guestv1.FileKind_FILE_KIND_SYMLINK:
		l.out[path] = "-> " + string(entry.LinkTarget)
	default:
		l.out[path] = l.read(path)
	}
}

// Random edits: whatever they were, seed and changes give the tree.
func TestChangesGiveTheTree(t *testing.T) {
	for round := range 40 {
		random := rand.New(rand.NewPCG(7, uint64(round)))
		content := seed{}
		for i := range 30 {
			path := randomPath(random)
			if _, taken := content[path]; !taken && !hasFileAbove(content, path) && !isAbove(content, path) {
				content[path] = fmt.Sprint("seed ", i)
			}
		}
		s := newSpace(t, content)
		before := treeOf(t, s.seed+"/")
		var script []string
		for range 60 {
			script = append(script, edit(random, s))
		}
		changes := s.changes()
		l := &laid{seed: before, changes: map[string]*guestv1.FileEntry{}, out: seed{}, read: func(path string) string {
			data, err := os.ReadFile(s.path(path))
			must(t, err)
			return string(data)
		}}
		for _, entry := range changes {
			l.changes[string(entry.Path)] = entry
		}
		l.folder("", "", true)
		if now := s.tree(); !reflect.DeepEqual(l.out, now) {
			t.Fatalf("round %d: seed and changes give\n%v\nbut there is\n%v\nafter\n%s", round, l.out, now, strings.Join(script, "\n"))
		}
		if !slices.IsSorted(paths(changes)) {
			t.Fatalf("not sorted: %q", paths(changes))
		}
	}
}

func randomPath(random *rand.Rand) string {
	names := []string{"a", "b", "c", "a.b"}
	path := names[random.IntN(len(names))]
	for random.IntN(3) > 0 && len(path) < 12 {
		path += "/" + names[random.IntN(len(names))]
	}
	return path
}

func hasFileAbove(content seed, path string) bool {
	for above, _ := split(path); above != ""; above, _ = split(above) {
		if _, ok := content[above]; ok {
			return true
		}
	}
	return false
}

func isAbove(content seed, path string) bool {
	for name := range content {
		if strings.HasPrefix(name, path+"/") {
			return true
		}
	}
	return false
}

// edit tries one change; many fail, which is fine.
func edit(random *rand.Rand, s *space) string {
	one, two := randomPath(random), randomPath(random)
	var err error
	what := ""
	switch random.IntN(7) {
	case 0:
		what, err = "write "+one, os.WriteFile(s.path(one), []byte(fmt.Sprint(random.Int())), 0o644)
	case 1:
		what, err = "mkdir "+one, os.Mkdir(s.path(one), 0o755)
	case 2, 3:
		what, err = "mv "+one+" "+two, os.Rename(s.path(one), s.path(two))
	case 4:
		what, err = "rm -r "+one, os.RemoveAll(s.path(one))
	case 5:
		what, err = "ln -s x "+one, os.Symlink("x", s.path(one))
	case 6:
		what = "swap " + one + " " + two
		err = unix.Renameat2(s.given.Workspace, filepath.Clean(one), s.given.Workspace, filepath.Clean(two), unix.RENAME_EXCHANGE)
	}
	return fmt.Sprint(what, ": ", err)
}
