// These tests prove what a module list may say.

package boot

import (
	"slices"
	"strings"
	"testing"
)

func TestOrderIsKept(t *testing.T) {
	got, err := parseOrder("# first\nvirtio_ring.ko\n\n virtio.ko \n")
	if err != nil || !slices.Equal(got, []string{"virtio_ring.ko", "virtio.ko"}) {
		t.Errorf("%q, %v", got, err)
	}
	for _, bad := range []string{"../x.ko", "a/b.ko", "virtio", "x.ko\x00.ko"} {
		if _, err := parseOrder(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func FuzzOrder(f *testing.F) {
	f.Add("virtio.ko\n#\n")
	f.Fuzz(func(t *testing.T, text string) {
		names, err := parseOrder(text)
		if err != nil {
			return
		}
		for _, name := range names {
			if !strings.HasSuffix(name, ".ko") || strings.Contains(name, "/") {
				t.Errorf("%q", name)
			}
		}
	})
}
