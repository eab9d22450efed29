// Owns a virtual machine of a few pages whose one program sums up in long mode and halts. Never judges its speed.
package probe

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Requests and layouts of <linux/kvm.h> on x86_64.
const (
	kvmGetAPIVersion       = 0xae00
	kvmCreateVM            = 0xae01
	kvmGetVCPUMmapSize     = 0xae04
	kvmCreateVCPU          = 0xae41
	kvmSetUserMemoryRegion = 0x4020ae46
	kvmSetTSSAddr          = 0xae47
	kvmRun                 = 0xae80
	kvmGetRegs             = 0x8090ae81
	kvmSetRegs             = 0x4090ae82
	kvmGetSregs            = 0x8138ae83
	kvmSetSregs            = 0x4138ae84
	kvmGetSupportedCPUID   = 0xc008ae05
	kvmSetCPUID2           = 0x4008ae90

	kvmAPIVersion = 12
	kvmExitHLT    = 5

	// Of struct kvm_cpuid2, in bytes: the head with the number of entries, and one entry.
	cpuidHead  = 8
	cpuidEntry = 40
	// Kernels of today have at most 256 entries.
	cpuidFirstTry = 256
	cpuidMost     = 4096
)

type kvmMemoryRegion struct {
	slot, flags                 uint32
	guestPhysical, size, mapped uint64
}

type kvmRegs struct {
	rax, rbx, rcx, rdx, rsi, rdi, rsp, rbp uint64
	r8, r9, r10, r11, r12, r13, r14, r15   uint64
	rip, rflags                            uint64
}

type kvmSegment struct {
	base                            uint64
	limit                           uint32
	selector                        uint16
	kind, present, dpl, db, s, l, g uint8
	avl, unusable, padding          uint8
}

type kvmTable struct {
	base  uint64
	limit uint16
	_     [3]uint16
}

type kvmSregs struct {
	cs, ds, es, fs, gs, ss  kvmSegment
	tr, ldt                 kvmSegment
	gdt, idt                kvmTable
	cr0, cr2, cr3, cr4, cr8 uint64
	efer, apicBase          uint64
	interruptBitmap         [4]uint64
}

// Guest-physical pages: three levels of page tables that map the first 2 MiB onto themselves, then program and data.
const (
	pageTable4    = 0x1000
	pageTable3    = 0x2000
	pageTable2    = 0x3000
	programPage   = 0x4000
	dataPage      = 0x5000
	loopMemory    = 0x6000
	tssAddress    = 0xfffbd000
	loopCount     = 10_000
	reservedFlags = 0x2
)

// The sum of 1 to loopCount, through memory at each step: emulation pays for every instruction, a processor hardly notices.
const loopResult = loopCount * (loopCount + 1) / 2

func loopProgram() []byte {
	code := binary.LittleEndian.AppendUint32([]byte{0xb9}, loopCount)                       // mov ecx, loopCount
	code = append(code, 0x48, 0x01, 0xc8)                                                   // again: add rax, rcx
	code = binary.LittleEndian.AppendUint32(append(code, 0x48, 0x89, 0x04, 0x25), dataPage) // mov [dataPage], rax
	code = binary.LittleEndian.AppendUint32(append(code, 0x48, 0x8b, 0x1c, 0x25), dataPage) // mov rbx, [dataPage]
	code = append(code, 0xff, 0xc9, 0x75, 0xe9)                                             // dec ecx; jnz again
	return append(code, 0xf4)                                                               // hlt
}

type loopMachine struct {
	vm, vcpu int
	memory   []byte
	// state is the kernel's struct kvm_run.
	state []byte
}

// kvmCall is an ioctl whose argument is a structure.
type kvmCall func(fd int, request uintptr, argument unsafe.Pointer) (int, error)

func createLoopMachine(device int) (*loopMachine, error) {
	version, err := ioctl(device, kvmGetAPIVersion, 0)
	if err != nil {
		return nil, fmt.Errorf("KVM_GET_API_VERSION: %w", err)
	}
	if version != kvmAPIVersion {
		return nil, fmt.Errorf("KVM speaks version %d of its interface, not %d", version, kvmAPIVersion)
	}
	m := &loopMachine{vm: -1, vcpu: -1}
	if err := m.create(device); err != nil {
		m.close()
		return nil, err
	}
	return m, nil
}

func (m *loopMachine) create(device int) error {
	var err error
	if m.vm, err = ioctl(device, kvmCreateVM, 0); err != nil {
		m.vm = -1
		return fmt.Errorf("KVM_CREATE_VM: %w", err)
	}
	// Older Intel processors need it, others ignore or refuse it.
	_, _ = ioctl(m.vm, kvmSetTSSAddr, tssAddress)
	if err := m.createMemory(); err != nil {
		return err
	}
	if m.vcpu, err = ioctl(m.vm, kvmCreateVCPU, 0); err != nil {
		m.vcpu = -1
		return fmt.Errorf("KVM_CREATE_VCPU: %w", err)
	}
	size, err := ioctl(device, kvmGetVCPUMmapSize, 0)
	if err != nil {
		return fmt.Errorf("KVM_GET_VCPU_MMAP_SIZE: %w", err)
	}
	if m.state, err = unix.Mmap(m.vcpu, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		return fmt.Errorf("mmap of the virtual processor: %w", err)
	}
	return setUpProcessor(ioctlPointer, device, m.vcpu)
}

func (m *loopMachine) createMemory() error {
	memory, err := unix.Mmap(-1, 0, loopMemory, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_ANONYMOUS)
	if err != nil {
		return fmt.Errorf("mmap of the guest's memory: %w", err)
	}
	m.memory = memory
	const present, writable, large = 1, 2, 128
	binary.LittleEndian.PutUint64(memory[pageTable4:], pageTable3|present|writable)
	binary.LittleEndian.PutUint64(memory[pageTable3:], pageTable2|present|writable)
	binary.LittleEndian.PutUint64(memory[pageTable2:], present|writable|large)
	copy(memory[programPage:], loopProgram())
	region := kvmMemoryRegion{size: loopMemory, mapped: uint64(uintptr(unsafe.Pointer(&memory[0])))}
	if _, err := ioctlPointer(m.vm, kvmSetUserMemoryRegion, unsafe.Pointer(&region)); err != nil {
		return fmt.Errorf("KVM_SET_USER_MEMORY_REGION: %w", err)
	}
	return nil
}

// setUpProcessor says what the processor can before it asks for any of it: since 2026 kernels refuse long mode to one that
// has not been told to have it.
func setUpProcessor(call kvmCall, device, vcpu int) error {
	table, err := supportedCPUID(call, device)
	if err != nil {
		return fmt.Errorf("KVM_GET_SUPPORTED_CPUID: %w", err)
	}
	if _, err := call(vcpu, kvmSetCPUID2, unsafe.Pointer(&table[0])); err != nil {
		return fmt.Errorf("KVM_SET_CPUID2: %w", err)
	}
	return enterLongMode(call, vcpu)
}

// supportedCPUID returns all that this host's KVM can give a processor, as the kernel writes and reads it.
func supportedCPUID(call kvmCall, device int) ([]byte, error) {
	for entries := cpuidFirstTry; ; entries *= 2 {
		table := make([]byte, cpuidHead+entries*cpuidEntry)
		binary.LittleEndian.PutUint32(table, uint32(entries))
		_, err := call(device, kvmGetSupportedCPUID, unsafe.Pointer(&table[0]))
		if err == nil || !errors.Is(err, unix.E2BIG) || entries >= cpuidMost {
			return table, err
		}
	}
}

func enterLongMode(call kvmCall, vcpu int) error {
	var special kvmSregs
	if _, err := call(vcpu, kvmGetSregs, unsafe.Pointer(&special)); err != nil {
		return fmt.Errorf("KVM_GET_SREGS: %w", err)
	}
	code := kvmSegment{limit: 0xffffffff, selector: 8, kind: 11, present: 1, s: 1, l: 1, g: 1}
	data := kvmSegment{limit: 0xffffffff, selector: 16, kind: 3, present: 1, s: 1, db: 1, g: 1}
	special.cs = code
	special.ds, special.es, special.fs, special.gs, special.ss = data, data, data, data, data
	const protected, extension, numericErrors, paging = 1 << 0, 1 << 4, 1 << 5, 1 << 31
	const physicalExtension, longModeEnabled, longModeActive = 1 << 5, 1 << 8, 1 << 10
	special.cr0 = protected | extension | numericErrors | paging
	special.cr3 = pageTable4
	special.cr4 = physicalExtension
	special.efer = longModeEnabled | longModeActive
	if _, err := call(vcpu, kvmSetSregs, unsafe.Pointer(&special)); err != nil {
		return fmt.Errorf("KVM_SET_SREGS: %w", err)
	}
	return nil
}

// runLoop runs the program once and returns how long that took.
func (m *loopMachine) runLoop() (time.Duration, error) {
	regs := kvmRegs{rip: programPage, rflags: reservedFlags}
	if _, err := ioctlPointer(m.vcpu, kvmSetRegs, unsafe.Pointer(&regs)); err != nil {
		return 0, fmt.Errorf("KVM_SET_REGS: %w", err)
	}
	began := time.Now()
	for {
		_, err := ioctl(m.vcpu, kvmRun, 0)
		if err == nil {
			break
		}
		if !errors.Is(err, unix.EINTR) {
			return 0, fmt.Errorf("KVM_RUN: %w", err)
		}
	}
	took := time.Since(began)
	// exit_reason is the second word of struct kvm_run after eight bytes of requests.
	if reason := binary.LittleEndian.Uint32(m.state[8:]); reason != kvmExitHLT {
		return 0, fmt.Errorf("the virtual processor stopped for reason %d, not at its halt", reason)
	}
	if _, err := ioctlPointer(m.vcpu, kvmGetRegs, unsafe.Pointer(&regs)); err != nil {
		return 0, fmt.Errorf("KVM_GET_REGS: %w", err)
	}
	if regs.rbx != loopResult {
		return 0, fmt.Errorf("the virtual processor computed %d, not %d", regs.rbx, loopResult)
	}
	return took, nil
}

func (m *loopMachine) close() {
	// Errors would change nothing: the process ends soon, and the kernel takes all of it back then.
	if m.state != nil {
		_ = unix.Munmap(m.state)
	}
	for _, fd := range []int{m.vcpu, m.vm} {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
	if m.memory != nil {
		_ = unix.Munmap(m.memory)
	}
}

func ioctl(fd int, request, argument uintptr) (int, error) {
	result, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, argument)
	if errno != 0 {
		return 0, errno
	}
	return int(result), nil
}

// ioctlPointer keeps what argument points to in place for the call.
func ioctlPointer(fd int, request uintptr, argument unsafe.Pointer) (int, error) {
	result, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(argument))
	if errno != 0 {
		return 0, errno
	}
	return int(result), nil
}
