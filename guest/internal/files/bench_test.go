// bench_test.go owns measuring what a staged file costs, by the kind of its header; it asserts no times.

package files

import (
	"archive/tar"
	"bytes"
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

func BenchmarkUnpack(b *testing.B) {
	for _, format := range []tar.Format{tar.FormatUSTAR, tar.FormatPAX} {
		b.Run(format.String(), func(b *testing.B) {
			var out bytes.Buffer
			w := tar.NewWriter(&out)
			const n = 1000
			for i := range n {
				at := timeOf(1_700_000_000_000_000_000)
				if format == tar.FormatPAX {
					at = timeOf(1_700_000_000_123_456_789)
				}
				must(b, w.WriteHeader(&tar.Header{Name: fmt.Sprintf("d%d/f%d", i/100, i), Size: 5, Mode: 0o644, Typeflag: tar.TypeReg, ModTime: at, Format: format}))
				_, _ = w.Write([]byte("12345"))
			}
			must(b, w.Close())
			records, err := unix.Open(b.TempDir(), unix.O_RDONLY|unix.O_DIRECTORY, 0)
			must(b, err)
			b.ReportAllocs()
			for i := range b.N {
				folder, err := os.MkdirTemp("/dev/shm", "pyro-bench-")
				must(b, err)
				fd, err := unix.Open(folder, unix.O_RDONLY|unix.O_DIRECTORY, 0)
				must(b, err)
				log, err := newFolderLog(records, fmt.Sprint(i))
				must(b, err)
				u := &unpacker{tree: fd, parent: -1, folders: log, buffer: make([]byte, chunkBytes)}
				must(b, u.unpack(bytes.NewReader(out.Bytes())))
				must(b, u.end())
				b.StopTimer()
				must(b, os.RemoveAll(folder))
				b.StartTimer()
			}
			closeFd(records)
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/file")
		})
	}
}
