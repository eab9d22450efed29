// These tests prove that a staged tree arrives whole or not at all, also when the machine dies on the way.

package files

import (
	"archive/tar"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"golang.org/x/sys/unix"

	guestv1 "pyro/guest/internal/gen/pyro/guest/v1"
)

func archiveOf(t testing.TB, pairs ...string) []byte {
	t.Helper()
	var headers []tar.Header
	for i := 0; i < len(pairs); i += 2 {
		headers = append(headers, tar.Header{Name: pairs[i], Linkname: pairs[i+1]})
	}
	return archive(t, headers...)
}

func TestAStagedTreeIsMerged(t *testing.T) {
	s := newSpace(t, seed{"kept": "1", "d/old": "2", "d/replaced": "3", "file-to-folder": "4", "link": "-> d", "empty": "/", "removed/x": "5", "removed/y": "6"})
	response, err := s.stage("one", archive(t,
		tar.Header{Name: "./", Typeflag: tar.TypeDir, Mode: 0o700},
		tar.Header{Name: "./d/replaced", Linkname: "new", Mode: 0o600, ModTime: timeOf(1_600_000_000_123_000_000)},
		tar.Header{Name: "file-to-folder/", Typeflag: tar.TypeDir, Mode: 0o750, ModTime: timeOf(1_500_000_000_000_000_000)},
		tar.Header{Name: "file-to-folder/in", Linkname: "in"},
		tar.Header{Name: "link", Linkname: "was a link"},
		tar.Header{Name: "empty", Linkname: "was a folder"},
		tar.Header{Name: "new/implied/deep\xff", Linkname: "deep"},
		tar.Header{Name: "new/soft", Typeflag: tar.TypeSymlink, Linkname: "/etc/\xff"},
		tar.Header{Name: "new/hard", Typeflag: tar.TypeLink, Linkname: "./d/replaced"},
	))
	must(t, err)
	if response.FileCount != 7 || response.ByteCount != 3+2+10+12+4 {
		t.Errorf("%v", response)
	}
	if entries, _, _ := s.list(&guestv1.ListFilesRequest{Recursive: true, MaxEntries: 100}); len(entries) != 10 {
		t.Errorf("the stage is listed: %q", paths(entries))
	}
	if entries := s.changes(); len(entries) != 0 {
		t.Errorf("the stage is a change: %q", paths(entries))
	}
	must(t, s.commit("one", "", "removed/x", "removed", "missing", "missing/too"))
	want := seed{
		"kept": "1", "d": "/", "d/old": "2", "d/replaced": "new", "file-to-folder": "/", "file-to-folder/in": "in", "link": "was a link",
		"empty": "was a folder", "removed": "/", "removed/y": "6", "new": "/", "new/implied": "/", "new/implied/deep\xff": "deep",
		"new/soft": "-> /etc/\xff", "new/hard": "new",
	}
	if got := s.tree(); !reflect.DeepEqual(got, want) {
		t.Errorf("%v", got)
	}
	for name, want := range map[string]os.FileMode{"d": 0o755 | os.ModeDir, "d/replaced": 0o600, "file-to-folder": 0o750 | os.ModeDir, "": 0o755 | os.ModeDir} {
		if stat, err := os.Stat(s.path(name)); err != nil || stat.Mode() != want {
			t.Errorf("%q: %v, %v", name, stat.Mode(), err)
		}
	}
	for name, want := range map[string]int64{"file-to-folder": 1_500_000_000_000_000_000, "d/replaced": 1_600_000_000_123_000_000} {
		if stat, err := os.Stat(s.path(name)); err != nil || stat.ModTime().UnixNano() != want {
			t.Errorf("%q: %v, %v", name, stat.ModTime(), err)
		}
	}
	must(t, s.commit("one", ""))
	s.remount()
	must(t, s.commit("one", ""))
}

func TestADestinationIsMade(t *testing.T) {
	s := newSpace(t, seed{"file": "1", "inside": "-> /workspace/real", "real/x": "2", "outside": "-> /tmp", "dangling": "-> nowhere"})
	for destination, want := range map[string]string{"new/deep": "new/deep/f", "inside": "real/f", "inside/more": "real/more/f"} {
		_, err := s.stage("id", archiveOf(t, "f", "x"))
		must(t, err)
		must(t, s.commit("id", destination))
		if got := s.tree()[want]; got != "x" {
			t.Errorf("%s: %q", want, got)
		}
	}
	before := s.tree()
	for destination, code := range map[string]connect.Code{
		"file": connect.CodeFailedPrecondition, "file/x": connect.CodeFailedPrecondition, "outside": connect.CodePermissionDenied, "outside/x": connect.CodePermissionDenied,
		"dangling": connect.CodeFailedPrecondition, "../x": connect.CodeInvalidArgument, ".pyro-stage-id": connect.CodeInvalidArgument,
	} {
		_, err := s.stage("id", archiveOf(t, "f", "x"))
		must(t, err)
		wantCode(t, s.commit("id", destination), code)
		if code != connect.CodeInvalidArgument {
			wantCode(t, s.commit("id", ""), connect.CodeNotFound)
		}
	}
	// What was refused before it was looked at goes with the next stage.
	_, err := s.stage("other", archiveOf(t, "f", "x"))
	must(t, err)
	if names, _ := filepath.Glob(s.path(".pyro-stage-*")); len(names) != 1 {
		t.Errorf("%v", names)
	}
	must(t, s.service.folders.discard("other"))
	if !reflect.DeepEqual(s.tree(), before) {
		t.Errorf("%v", s.tree())
	}
	wantCode(t, s.commit("other", ""), connect.CodeNotFound)
}

func TestAConflictChangesNothing(t *testing.T) {
	s := newSpace(t, seed{"d/x": "1", "d/sub/y": "2", "gone": "3"})
	stage := func() {
		t.Helper()
		_, err := s.stage("id", archiveOf(t, "a", "new", "d", "file"))
		must(t, err)
	}
	before := s.tree()
	stage()
	wantCode(t, s.commit("id", "", "gone"), connect.CodeFailedPrecondition)
	if !reflect.DeepEqual(s.tree(), before) {
		t.Errorf("%v", s.tree())
	}
	stage()
	must(t, s.commit("id", "", "d/x", "d/sub/y"))
	if got := s.tree(); got["d"] != "file" || got["a"] != "new" {
		t.Errorf("%v", got)
	}
	// Only what the archive names replaces something: a folder that is merely on the way does not.
	must(t, os.Symlink("gone", s.path("link")))
	before = s.tree()
	for _, above := range []string{"d", "link"} {
		_, err := s.stage("id2", archiveOf(t, above+"/x", "new"))
		must(t, err)
		wantCode(t, s.commit("id2", ""), connect.CodeFailedPrecondition)
		if !reflect.DeepEqual(s.tree(), before) {
			t.Errorf("%v", s.tree())
		}
	}
	_, err := s.stage("id2", archiveOf(t, "link/x", "new"))
	must(t, err)
	must(t, s.commit("id2", "", "link"))
	if got := s.tree(); got["link/x"] != "new" {
		t.Errorf("%v", got)
	}
}

func TestHostileArchivesLeaveNothing(t *testing.T) {
	s := newSpace(t, seed{"x": "1", "out": "-> /tmp"})
	outside := t.TempDir()
	before := s.tree()
	for name, headers := range map[string][]tar.Header{
		"absolute":          {{Name: "/etc/x"}},
		"dots":              {{Name: "a/../../x"}},
		"dots at the end":   {{Name: "a/.."}},
		"device":            {{Name: "dev", Typeflag: tar.TypeChar}},
		"pipe":              {{Name: "pipe", Typeflag: tar.TypeFifo}},
		"through a link":    {{Name: "l", Typeflag: tar.TypeSymlink, Linkname: outside}, {Name: "l/x", Linkname: "lost"}},
		"hard link out":     {{Name: "h", Typeflag: tar.TypeLink, Linkname: "/etc/passwd"}},
		"hard link up":      {{Name: "h", Typeflag: tar.TypeLink, Linkname: "../x"}},
		"hard link by link": {{Name: "l", Typeflag: tar.TypeSymlink, Linkname: outside}, {Name: "h", Typeflag: tar.TypeLink, Linkname: "l/x"}},
		"missing link":      {{Name: "h", Typeflag: tar.TypeLink, Linkname: "later"}},
		"own name":          {{Name: ".pyro-stage-other/tree/x"}},
		"long name":         {{Name: strings.Repeat("x", 256)}},
		"no name":           {{Name: "."}},
	} {
		if _, err := s.stage("hostile", archive(t, headers...)); connect.CodeOf(err) != connect.CodeInvalidArgument && connect.CodeOf(err) != connect.CodeNotFound && connect.CodeOf(err) != connect.CodeFailedPrecondition {
			t.Errorf("%s: %v", name, err)
		}
		wantCode(t, s.commit("hostile", ""), connect.CodeNotFound)
	}
	for name, data := range map[string][]byte{"text": []byte(strings.Repeat("no archive ", 100)), "cut": archiveOf(t, "a", strings.Repeat("x", 5000))[:2000]} {
		if _, err := s.stage("hostile", data); connect.CodeOf(err) != connect.CodeInvalidArgument {
			t.Errorf("%s: %v", name, err)
		}
	}
	if !reflect.DeepEqual(s.tree(), before) {
		t.Errorf("%v", s.tree())
	}
	if names, _ := os.ReadDir(outside); len(names) > 0 {
		t.Errorf("%v", names)
	}
}

func TestStagingAgainReplaces(t *testing.T) {
	s := newSpace(t, seed{})
	for _, content := range []string{"1", "2"} {
		_, err := s.stage("id", archiveOf(t, "f"+content, content, "f"+content, content+content))
		must(t, err)
	}
	must(t, s.commit("id", ""))
	_, err := s.stage("id", archiveOf(t, "f3", "3"))
	must(t, err)
	must(t, s.commit("id", ""))
	if got := s.tree(); !reflect.DeepEqual(got, seed{"f2": "22", "f3": "3"}) {
		t.Errorf("%v", got)
	}
}

func TestAStageThatWasNotCommittedGoesWithTheNextMount(t *testing.T) {
	s := newSpace(t, seed{"x": "1"})
	_, err := s.stage("id", archiveOf(t, "a/b", "2"))
	must(t, err)
	s.remount()
	if got := s.tree(); !reflect.DeepEqual(got, seed{"x": "1"}) {
		t.Errorf("%v", got)
	}
	wantCode(t, s.commit("id", ""), connect.CodeNotFound)
}

// A machine can die before any change that a commit makes; the next mount must finish it.
func TestACommitIsFinishedByTheNextMount(t *testing.T) {
	content := seed{"d/x": "1", "d/y": "2", "gone": "3", "swap": "4", "e/f/g": "5"}
	want := seed{
		"d": "/", "d/x": "new", "d/y": "2", "d/z": "new", "swap": "/", "swap/in": "new", "gone": "new", "e": "/", "e/f": "new", "n": "/", "n/m": "new",
	}
	for after := 0; ; after++ {
		s := newSpace(t, content)
		_, err := s.stage("id", archive(t,
			tar.Header{Name: "d", Typeflag: tar.TypeDir, Mode: 0o711, ModTime: timeOf(1e18)}, tar.Header{Name: "d/x", Linkname: "new"}, tar.Header{Name: "d/z", Linkname: "new"},
			tar.Header{Name: "swap/", Typeflag: tar.TypeDir, Mode: 0o755}, tar.Header{Name: "swap/in", Linkname: "new"}, tar.Header{Name: "gone", Linkname: "new"}, tar.Header{Name: "e/f", Linkname: "new"}, tar.Header{Name: "n/m", Linkname: "new"},
		))
		must(t, err)
		died := dieAfter(t, s, after)
		s.remount()
		if got := s.tree(); !reflect.DeepEqual(got, want) {
			t.Fatalf("died after %d changes: %v", after, got)
		}
		if stat, err := os.Stat(s.path("d")); err != nil || stat.Mode().Perm() != 0o711 || stat.ModTime().UnixNano() != 1e18 {
			t.Fatalf("died after %d changes: %v, %v", after, stat.Mode(), stat.ModTime())
		}
		if left, _ := os.ReadDir(s.disk + "/staging"); len(left) != 1 || left[0].Name() != "id.done" {
			t.Fatalf("died after %d changes: %v is left", after, left)
		}
		if !died {
			return
		}
	}
}

// dieAfter commits up to the given number of steps, of which each may change something once.
func dieAfter(t *testing.T, s *space, steps int) bool {
	f := s.service.folders
	records, err := f.records()
	must(t, err)
	defer closeFd(records)
	p := plan{Remove: [][]byte{[]byte("gone"), []byte("e/f/g"), []byte("e/f")}}
	must(t, f.check(records, "id", p))
	must(t, writePlan(records, "id", phasePlan, p))
	all := []func(){}
	for _, path := range p.Remove {
		all = append(all, func() { must(t, f.remove(string(path))) })
	}
	all = append(all, func() { must(t, advance(records, "id", phasePlan, phaseMerge)) })
	for _, move := range [][2]string{{"d/x", "d/x"}, {"d/z", "d/z"}, {"d", ""}, {"", "swap"}, {"swap", "swap"}, {"gone", "gone"}, {"e/f", "e/f"}, {"n", "n"}, {"e", ""}} {
		all = append(all, func() {
			from := stagePrefix + "id/tree/" + move[0]
			switch {
			case move[1] == "":
				must(t, unix.Unlinkat(s.given.Workspace, from, unix.AT_REMOVEDIR))
			case move[0] == "":
				must(t, unix.Unlinkat(s.given.Workspace, move[1], 0))
			default:
				must(t, unix.Renameat(s.given.Workspace, from, s.given.Workspace, move[1]))
			}
		})
	}
	all = append(all, func() { must(t, removeAll(s.given.Workspace, stagePrefix+"id")) })
	all = append(all, func() {
		must(t, eachFolder(records, "id", func(r folderRecord) error { return dress(s.given.Workspace, r) }))
	})
	all = append(all, func() { must(t, forget(records, "id", phaseFolders)) })
	for _, step := range all[:min(steps, len(all))] {
		step()
	}
	return steps < len(all)
}

func TestOnlyTheLastDoneMarksAreKept(t *testing.T) {
	s := newSpace(t, seed{})
	for i := range keptDone + 5 {
		id := "id-" + strings.Repeat("x", i%50) + "-" + string(rune('a'+i/50))
		_, err := s.stage(id, archiveOf(t, "f", id))
		must(t, err)
		must(t, s.commit(id, ""))
	}
	if left, _ := os.ReadDir(s.disk + "/staging"); len(left) != keptDone {
		t.Errorf("%d are kept", len(left))
	}
}

func TestWhatIsStagedIsNotAmongTheFilesOfACheckout(t *testing.T) {
	s := newSpace(t, seed{".git/HEAD": "ref", "x": "1"})
	_, err := s.stage("id", archiveOf(t, "x", "2", "new/y", "3"))
	must(t, err)
	if names, _ := os.ReadDir(s.workspace + "/"); len(names) != 2 {
		t.Errorf("programs see %v", names)
	}
	if entries, _, _ := s.list(&guestv1.ListFilesRequest{Path: []byte(".git"), Recursive: true, MaxEntries: 100}); len(entries) != 1 {
		t.Errorf("%q", paths(entries))
	}
	if entries := s.changes(".git"); len(entries) > 1 {
		t.Errorf("%q", paths(entries))
	}
	wantCode(t, s.commit("id", ".git/.pyro-stage-id"), connect.CodeInvalidArgument)
	must(t, s.commit("id", ""))
	if got := s.tree(); !reflect.DeepEqual(got, seed{".git": "/", ".git/HEAD": "ref", "x": "2", "new": "/", "new/y": "3"}) {
		t.Errorf("%v", got)
	}
	// One that was cut off goes with the next mount, also when its checkout is one no more.
	_, err = s.stage("cut", archiveOf(t, "lost", "4"))
	must(t, err)
	s.remount()
	if got := s.tree(); !reflect.DeepEqual(got, seed{".git": "/", ".git/HEAD": "ref", "x": "2", "new": "/", "new/y": "3"}) {
		t.Errorf("%v", got)
	}
}
