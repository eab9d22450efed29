// These tests prove the parts of the machine that need no machine: confinement of files, serials, mount tables, limits.

package machine

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	guestv1 "pyro/guest/internal/gen/pyro/guest/v1"
)

func openRoot(t *testing.T) (string, int) {
	t.Helper()
	folder := t.TempDir()
	fd, err := unix.Open(folder, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return folder, fd
}

func TestFileIsWrittenWithParentsAndMode(t *testing.T) {
	folder, root := openRoot(t)
	if err := writeFile(root, "/a/b/c", []byte("x"), 0o640); err != nil {
		t.Fatal(err)
	}
	stat, err := os.Stat(filepath.Join(folder, "a/b/c"))
	if err != nil || stat.Mode() != 0o640 || stat.Size() != 1 {
		t.Errorf("%v, %v", stat, err)
	}
}

func TestAFileThatIsTheUsersIsKept(t *testing.T) {
	folder := t.TempDir()
	err := withRoot(folder, func(root int) error {
		for _, content := range []string{"first", "second"} {
			files := []*guestv1.GuestFile{{Path: "/a/kept", Content: []byte(content), Mode: 0o644, Keep: true}, {Path: "/a/ours", Content: []byte(content), Mode: 0o644}}
			if err := writeFiles(root, files); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"kept": "first", "ours": "second"} {
		if got, err := os.ReadFile(filepath.Join(folder, "a", name)); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestLinksDoNotLeadOutOfTheRoot(t *testing.T) {
	folder, root := openRoot(t)
	outside := t.TempDir()
	victim := filepath.Join(outside, "victim")
	for _, err := range []error{
		os.WriteFile(victim, []byte("kept"), 0o600),
		os.Symlink(outside, filepath.Join(folder, "absolute")),
		os.Symlink("../../../../../../"+outside, filepath.Join(folder, "relative")),
		os.Symlink(victim, filepath.Join(folder, "file")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"/absolute/victim", "/relative/victim", "/file"} {
		// Those with a folder that does not exist inside may fail; what counts is the victim.
		_ = writeFile(root, name, []byte("lost"), 0o600)
	}
	if text, _ := os.ReadFile(victim); string(text) != "kept" {
		t.Errorf("the file outside now holds %q", text)
	}
	if text, _ := os.ReadFile(filepath.Join(folder, "file")); string(text) != "lost" {
		t.Errorf("the link was not replaced: %q", text)
	}
}

func TestLinksInsideTheRootAreFollowed(t *testing.T) {
	folder, root := openRoot(t)
	if err := os.MkdirAll(filepath.Join(folder, "usr/etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/usr/etc", filepath.Join(folder, "etc")); err != nil {
		t.Fatal(err)
	}
	if err := writeFile(root, "/etc/hostname", []byte("box\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(filepath.Join(folder, "usr/etc/hostname")); string(text) != "box\n" {
		t.Errorf("%q", text)
	}
}

func FuzzPath(f *testing.F) {
	for _, seed := range []string{"/etc/hosts", "/", "a", "/a/../b", "/a/", "/a\x00b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if checkPath(name) == nil && (name[0] != '/' || strings.Contains(name, "/../") || strings.HasSuffix(name, "/..")) {
			t.Errorf("%q was accepted", name)
		}
	})
}

func FuzzSerial(f *testing.F) {
	f.Add([]byte("pyro-disk\n"))
	f.Add([]byte("pyro-disk\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if got := parseSerial(text); strings.Trim(got, " \n\x00\t") != got {
			t.Errorf("%q became %q", text, got)
		}
	})
}

func FuzzUnescape(f *testing.F) {
	f.Add(`/mnt/a\040b`)
	f.Add(`\`)
	f.Fuzz(func(t *testing.T, text string) {
		if got := unescapeMount(text); len(got) > len(text) {
			t.Errorf("%q became %q", text, got)
		}
	})
}

func TestMountsAreListedLastFirst(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mountinfo")
	table := `1 0 0:1 / / rw - rootfs rootfs rw
2 1 0:2 / /disk rw - ext4 /dev/vdc rw
3 1 0:3 / /sysroot rw - overlay overlay rw
4 3 0:4 / /sysroot/mnt/a\040b rw - tmpfs x rw
5 1 0:5 / /sysrootless rw - tmpfs x rw
`
	if err := os.WriteFile(file, []byte(table), 0o600); err != nil {
		t.Fatal(err)
	}
	handle, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer handle.Close()
	got, err := mountsUnder(handle, "/sysroot", "/seed", "/disk")
	if err != nil || !slices.Equal(got, []string{"/sysroot/mnt/a b", "/sysroot", "/disk"}) {
		t.Errorf("%q, %v", got, err)
	}
}

func TestProgramsLeaveTheAgentMemory(t *testing.T) {
	const m = mebibyte
	for _, c := range []struct {
		memory Memory
		want   uint64
	}{
		{Memory{470 * m, 418 * m}, 386 * m},
		{Memory{4000 * m, 3990 * m}, 3800 * m},
		{Memory{10 * m, 5 * m}, 16 * m},
	} {
		if got := ProgramMemory(c.memory); got != c.want {
			t.Errorf("%+v: %d MiB, want %d", c.memory, got/m, c.want/m)
		}
	}
}

func TestIdentityIsValidated(t *testing.T) {
	good := func() *guestv1.IdentifyRequest {
		return &guestv1.IdentifyRequest{WallClockUnixNanos: 1, Entropy: make([]byte, 64), Hostname: "my-box", MachineId: strings.Repeat("0a", 16)}
	}
	if err := validateIdentify(good()); err != nil {
		t.Error(err)
	}
	for name, spoil := range map[string]func(*guestv1.IdentifyRequest){
		"clock":     func(r *guestv1.IdentifyRequest) { r.WallClockUnixNanos = 0 },
		"entropy":   func(r *guestv1.IdentifyRequest) { r.Entropy = r.Entropy[:63] },
		"long name": func(r *guestv1.IdentifyRequest) { r.Hostname = strings.Repeat("a", 65) },
		"name":      func(r *guestv1.IdentifyRequest) { r.Hostname = "my box" },
		"id":        func(r *guestv1.IdentifyRequest) { r.MachineId = strings.Repeat("0A", 16) },
	} {
		r := good()
		spoil(r)
		if validateIdentify(r) == nil {
			t.Errorf("bad %s was accepted", name)
		}
	}
}

func TestThreadHasItsOwnMounts(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("mount namespaces need root")
	}
	thread, err := newThread()
	if err != nil {
		t.Skipf("no mount namespace here: %v", err)
	}
	defer thread.end()
	folder := t.TempDir()
	err = thread.run(func() error {
		if err := unix.Mount("tmpfs", folder, "tmpfs", 0, ""); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(folder, "inside"), nil, 0o600)
	})
	if err != nil {
		t.Skipf("no mounts here: %v", err)
	}
	if _, err := os.Stat(filepath.Join(folder, "inside")); !os.IsNotExist(err) {
		t.Errorf("the mount is visible outside: %v", err)
	}
}
