// Owns the proof that the tiny machine is set up in the order in which kernels want it, on a kernel that this test makes up.
package probe

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	fakeDevice = 3
	fakeVCPU   = 5
)

// strictKernel refuses what real kernels refuse: long mode to a processor that was not told to have it, a table that is
// too small for what it has to say.
type strictKernel struct {
	entries uint32
	asked   []uint32
	told    uint32
	efer    uint64
}

func (k *strictKernel) call(fd int, request uintptr, argument unsafe.Pointer) (int, error) {
	switch {
	case fd == fakeDevice && request == kvmGetSupportedCPUID:
		room := (*uint32)(argument)
		k.asked = append(k.asked, *room)
		if *room < k.entries {
			return 0, unix.E2BIG
		}
		// All of the room must be there: the last entry is written to.
		last := unsafe.Slice((*byte)(argument), cpuidHead+int(*room)*cpuidEntry)[cpuidHead+int(*room-1)*cpuidEntry:]
		binary.LittleEndian.PutUint32(last[cpuidEntry-4:], 1)
		*room = k.entries
	case fd == fakeVCPU && request == kvmSetCPUID2:
		k.told = *(*uint32)(argument)
	case fd == fakeVCPU && request == kvmGetSregs:
	case fd == fakeVCPU && request == kvmSetSregs:
		wanted := (*kvmSregs)(argument).efer
		if wanted != 0 && k.told == 0 {
			return 0, unix.EINVAL
		}
		k.efer = wanted
	default:
		return 0, unix.ENOTTY
	}
	return 0, nil
}

func TestProcessorIsToldWhatItCanBeforeItIsAskedToDoIt(t *testing.T) {
	const longMode = 1<<8 | 1<<10
	for name, test := range map[string]struct {
		entries uint32
		tries   int
	}{"as kernels of today": {53, 1}, "with a longer table": {700, 3}} {
		t.Run(name, func(t *testing.T) {
			kernel := &strictKernel{entries: test.entries}
			if err := setUpProcessor(kernel.call, fakeDevice, fakeVCPU); err != nil {
				t.Fatal(err)
			}
			if kernel.efer != longMode || kernel.told != test.entries || len(kernel.asked) != test.tries {
				t.Errorf("%+v", kernel)
			}
		})
	}
}

func TestTableThatNeverFitsIsGivenUp(t *testing.T) {
	kernel := &strictKernel{entries: 1 << 20}
	err := setUpProcessor(kernel.call, fakeDevice, fakeVCPU)
	if !errors.Is(err, unix.E2BIG) || !strings.Contains(err.Error(), "KVM_GET_SUPPORTED_CPUID") {
		t.Error(err)
	}
	if last := kernel.asked[len(kernel.asked)-1]; last != cpuidMost {
		t.Errorf("asked for %d entries at last", last)
	}
}

// The numbers of <linux/kvm.h> have the size of their structure in them.
func TestRequestsFitTheirStructures(t *testing.T) {
	for request, size := range map[uintptr]uintptr{
		kvmGetRegs: unsafe.Sizeof(kvmRegs{}), kvmSetRegs: unsafe.Sizeof(kvmRegs{}),
		kvmGetSregs: unsafe.Sizeof(kvmSregs{}), kvmSetSregs: unsafe.Sizeof(kvmSregs{}),
		kvmSetUserMemoryRegion: unsafe.Sizeof(kvmMemoryRegion{}),
		kvmGetSupportedCPUID:   cpuidHead, kvmSetCPUID2: cpuidHead,
	} {
		if request>>16&0x3fff != size {
			t.Errorf("%#x is for %d bytes, not %d", request, request>>16&0x3fff, size)
		}
	}
}
