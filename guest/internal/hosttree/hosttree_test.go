// Proves that nothing outside the root is named or read, whatever is exchanged at whichever step, and that what does not change comes out whole.

package hosttree

import (
	"archive/tar"
	"bufio"
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

const outside = "what nobody named"

// A tree has a root with `deep/sub/secret`, `deep/link` and `last`, beside a folder that nobody named.
type tree struct{ base, root string }

func makeTree(t *testing.T) tree {
	t.Helper()
	base := t.TempDir()
	root := filepath.Join(base, "root")
	for _, folder := range []string{"root/deep/sub", "outside/sub"} {
		if err := os.MkdirAll(filepath.Join(base, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, content := range map[string]string{
		"root/deep/sub/secret": "own", "root/last": "own",
		"outside/secret": outside, "outside/outsider": outside, "outside/sub/secret": outside, "outside/sub/outsider": outside,
	} {
		if err := os.WriteFile(filepath.Join(base, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("own target", filepath.Join(root, "deep/link")); err != nil {
		t.Fatal(err)
	}
	return tree{base, root}
}

const input = "ddeep\x00ddeep/sub\x00fdeep/sub/secret\x00ldeep/link\x00flast\x00"

// run gives what one mode prints for the tree, with standard error behind it.
func run(t *testing.T, root, mode, input string) string {
	t.Helper()
	fd, err := unix.Open(root, unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	var printed, notes bytes.Buffer
	out, in := bufio.NewWriter(&printed), bufio.NewReader(strings.NewReader(input))
	switch mode {
	case "list":
		err = list(fd, out)
	case "stat":
		err = statNames(fd, in, out)
	case "pack":
		err = pack(fd, in, archive{out, &notes})
	case "digest":
		err = digest(fd, in, out)
	}
	if err != nil {
		t.Errorf("%s: %v", mode, err)
	}
	if err := out.Flush(); err != nil {
		t.Fatal(err)
	}
	return printed.String() + notes.String()
}

// What can take a name while it is looked at.
var exchanges = map[string]func(t tree, name string) error{
	"link to a folder": func(t tree, name string) error {
		return os.Symlink(filepath.Join(t.base, "outside"), name)
	},
	"relative link to a folder": func(t tree, name string) error {
		up := strings.Repeat("../", strings.Count(name[len(t.root):], "/"))
		return os.Symlink(up+"outside/sub", name)
	},
	"link to a file": func(t tree, name string) error {
		return os.Symlink(filepath.Join(t.base, "outside/secret"), name)
	},
	"pipe": func(t tree, name string) error { return unix.Mkfifo(name, 0o600) },
}

func TestNothingOutsideIsReadWhateverIsExchangedAtAnyStep(t *testing.T) {
	defer func() { atStep = nil }()
	outsideSum := run(t, filepath.Join(makeTree(t).base, "outside"), "digest", "fsecret\x00")
	for _, mode := range []string{"list", "stat", "pack", "digest"} {
		steps := 0
		atStep = func(string, string) { steps++ }
		run(t, makeTree(t).root, mode, input)
		if steps < 3 {
			t.Fatalf("%s has only %d steps", mode, steps)
		}
		for what, exchange := range exchanges {
			for _, victim := range []string{"deep", "deep/sub", "deep/sub/secret", "deep/link", "last"} {
				for at := 1; at <= steps; at++ {
					made := makeTree(t)
					name, seen := filepath.Join(made.root, victim), 0
					atStep = func(string, string) {
						if seen++; seen != at {
							return
						}
						if err := os.Rename(name, filepath.Join(made.base, "moved")); err != nil {
							t.Fatal(err)
						}
						if err := exchange(made, name); err != nil {
							t.Fatal(err)
						}
					}
					got := run(t, made.root, mode, input)
					where := fmt.Sprintf("%s: %s became a %s at step %d of %d", mode, victim, what, at, steps)
					if strings.Contains(got, outside) || strings.Contains(got, "outsider") {
						t.Errorf("%s: something outside was read", where)
					}
					if strings.Contains(got, outsideSum) {
						t.Errorf("%s: something outside was digested", where)
					}
				}
			}
		}
	}
}

func TestPathsThatAreNoneAreNeverOpened(t *testing.T) {
	made := makeTree(t)
	for _, path := range []string{"../outside/secret", "deep/../../outside/secret", "/etc/passwd", "deep//sub/secret", "./last", "deep/sub/"} {
		fd, err := unix.Open(made.root, unix.O_PATH|unix.O_DIRECTORY, 0)
		if err != nil {
			t.Fatal(err)
		}
		var printed bytes.Buffer
		out := bufio.NewWriter(&printed)
		err = pack(fd, bufio.NewReader(strings.NewReader("f"+path+"\x00")), archive{out, io.Discard})
		if err != errNoPath || printed.Len() != 0 {
			t.Errorf("%s: %v, %d bytes", path, err, printed.Len())
		}
		unix.Close(fd)
	}
}

func TestAnArchiveHoldsWhatWasNamedInItsOrder(t *testing.T) {
	made := makeTree(t)
	long := strings.Repeat("n\xff", 120)
	if err := os.WriteFile(filepath.Join(made.root, long), bytes.Repeat([]byte("x"), 600_000), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(filepath.Join(made.root, long), filepath.Join(made.root, "second")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(long, filepath.Join(made.root, "to-long")); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(filepath.Join(made.root, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	names := input + "f" + long + "\x00fsecond\x00lto-long\x00fpipe\x00fdeep\x00dlast\x00fnothing\x00fdeep/link\x00"
	reader := tar.NewReader(strings.NewReader(run(t, made.root, "pack", names)))
	var got []string
	for {
		h, err := reader.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(reader)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%c %s %d %s", h.Typeflag, h.Name, len(content), h.Linkname))
	}
	want := []string{
		"5 deep/ 0 ", "5 deep/sub/ 0 ", "0 deep/sub/secret 3 ", "2 deep/link 0 own target", "0 last 3 ",
		"0 " + long + " 600000 ", "1 second 0 " + long, "2 to-long 0 " + long,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
}

func TestAFileThatShrinksIsFilledWithZerosAndNamed(t *testing.T) {
	made := makeTree(t)
	defer func() { atStep = nil }()
	atStep = func(name, path string) {
		if name == "read" && path == "last" {
			if err := os.Truncate(filepath.Join(made.root, "last"), 1); err != nil {
				t.Fatal(err)
			}
		}
	}
	got := run(t, made.root, "pack", "flast\x00")
	if want := "torn " + base64.StdEncoding.EncodeToString([]byte("last")) + "\n"; !strings.HasSuffix(got, want) {
		t.Errorf("no %q at the end", want)
	}
	reader := tar.NewReader(strings.NewReader(got))
	h, err := reader.Next()
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(reader)
	if err != nil || h.Size != 3 || string(content) != "o\x00\x00" {
		t.Errorf("%q, %v", content, err)
	}
}

func TestFoldersNestedTooDeeplyAreNamedAndNotEntered(t *testing.T) {
	root := t.TempDir()
	deep := strings.Repeat("d/", maxDepth)
	if err := os.MkdirAll(filepath.Join(root, deep), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, deep, "below"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	fields := strings.Split(run(t, root, "list", ""), "\x00")
	var got []string
	for at := 0; at+8 <= len(fields); at += 8 {
		got = append(got, fields[at+1])
	}
	if len(got) != maxDepth || got[maxDepth-1] != "d" || strings.Join(got[:maxDepth-1], "") != strings.Repeat("r", maxDepth-1) {
		t.Errorf("%q", got)
	}
	stated := strings.Split(run(t, root, "stat", "f"+deep+"below\x00fd\x00"), "\x00")
	if stated[1] != "d" || stated[9] != "r" {
		t.Errorf("%q", stated)
	}
}
