// These tests prove what a start may ask for.

package process

import (
	"regexp"
	"strings"
	"testing"

	guestv1 "pyro/guest/internal/gen/pyro/guest/v1"
)

func FuzzID(f *testing.F) {
	for _, seed := range []string{"", "exec-1", "A", "a/b", "a\n", strings.Repeat("a", 65)} {
		f.Add(seed)
	}
	form := regexp.MustCompile(`\A[a-z0-9_-]{1,64}\z`)
	f.Fuzz(func(t *testing.T, id string) {
		if validID(id) != form.MatchString(id) {
			t.Errorf("%q: %v", id, validID(id))
		}
	})
}

func FuzzEnv(f *testing.F) {
	for _, seed := range []string{"", "=", "A", "A=", "A=b=c", "=b", "A=\x00"} {
		f.Add(seed)
	}
	form := regexp.MustCompile(`(?s)\A[^=\x00]+=[^\x00]*\z`)
	f.Fuzz(func(t *testing.T, entry string) {
		if strings.ToValidUTF8(entry, "") == entry && validEnv(entry) != form.MatchString(entry) {
			t.Errorf("%q: %v", entry, validEnv(entry))
		}
	})
}

func TestStartIsValidated(t *testing.T) {
	good := func() *guestv1.StartRequest {
		return &guestv1.StartRequest{ProcessId: "a", Argv: []string{"true"}, Env: []string{"A=b"}, Cwd: "/"}
	}
	if err := validateStart(good()); err != nil {
		t.Error(err)
	}
	for name, spoil := range map[string]func(*guestv1.StartRequest){
		"id":       func(r *guestv1.StartRequest) { r.ProcessId = "A" },
		"argv":     func(r *guestv1.StartRequest) { r.Argv = nil },
		"argv NUL": func(r *guestv1.StartRequest) { r.Argv = []string{"a\x00b"} },
		"env":      func(r *guestv1.StartRequest) { r.Env = []string{"A"} },
		"cwd":      func(r *guestv1.StartRequest) { r.Cwd = "here" },
		"terminal": func(r *guestv1.StartRequest) { r.Terminal = &guestv1.Terminal{Cols: 0, Rows: 24} },
	} {
		r := good()
		spoil(r)
		if validateStart(r) == nil {
			t.Errorf("bad %s was accepted", name)
		}
	}
}
