// plan.go owns what the disk remembers of stages and commits, so that a crash leaves none half done; it never touches /workspace.

package files

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Files of /disk/staging are named ID.PHASE. Nothing but these and the staged tree itself is needed to go on.
const (
	stagingName = "staging"
	// The folders that the archive has by name; there from before the staged tree is.
	phaseFolders = "folders"
	// The commit's plan is being written, and means nothing yet.
	phaseNew = "new"
	// Removing.
	phasePlan = "plan"
	// Everything is removed; moving.
	phaseMerge = "merge"
	phaseDone  = "done"

	keptDone = 64
)

// A plan is what a commit still has to do.
type plan struct {
	Destination []byte
	Remove      [][]byte
}

// A folderRecord is what a folder gets once everything is in it.
type folderRecord struct {
	Path           []byte
	Mode           uint32
	MtimeUnixNanos int64
}

func phaseFile(id, phase string) string { return id + "." + phase }

// records opens the folder of phase files, making it when missing.
func (f *folders) records() (int, error) {
	if err := unix.Mkdirat(f.disk, stagingName, stageMode); err != nil && err != unix.EEXIST {
		return -1, err
	}
	return openName(f.disk, stagingName, openFolder)
}

func (f *folders) hasPhase(id, phase string) bool {
	_, err := statName(f.disk, stagingName+"/"+phaseFile(id, phase))
	return err == nil
}

// begun tells whether a commit has to be gone on with.
func (f *folders) begun(id string) bool {
	return f.hasPhase(id, phasePlan) || f.hasPhase(id, phaseMerge)
}

func (f *folders) eachRecord(records int, do func(id, phase string)) error {
	names, err := namesOf(records, mostEntries)
	if err != nil {
		return err
	}
	for _, name := range names {
		if id, phase, _ := strings.Cut(name, "."); checkStageID(id) == nil {
			do(id, phase)
		}
	}
	return nil
}

func openRecord(records int, id, phase string, flags int) (*os.File, error) {
	fd, err := unix.Openat(records, phaseFile(id, phase), flags|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), phaseFile(id, phase)), nil
}

// writePlan returns when the plan is on the disk, in that phase, and with it all that is staged: what is committed must
// not turn out empty after a crash.
func writePlan(records int, id, phase string, p plan) error {
	file, err := openRecord(records, id, phaseNew, unix.O_WRONLY|unix.O_CREAT|unix.O_TRUNC)
	if err != nil {
		return err
	}
	err = errors.Join(json.NewEncoder(file).Encode(p), unix.Syncfs(records), file.Close())
	if err != nil {
		return err
	}
	return advance(records, id, phaseNew, phase)
}

// advance returns when the new phase is on the disk.
func advance(records int, id, from, to string) error {
	if err := unix.Renameat(records, phaseFile(id, from), records, phaseFile(id, to)); err != nil {
		return err
	}
	return unix.Fsync(records)
}

func readPlan(records int, id, phase string) (plan, error) {
	file, err := openRecord(records, id, phase, unix.O_RDONLY)
	if err != nil {
		return plan{}, err
	}
	defer file.Close()
	var p plan
	return p, json.NewDecoder(file).Decode(&p)
}

func forget(records int, id, phase string) error {
	err := unix.Unlinkat(records, phaseFile(id, phase), 0)
	if err == unix.ENOENT {
		return nil
	}
	return err
}

// prune keeps the newest done marks.
func prune(records int) error {
	type mark struct {
		name string
		at   int64
	}
	names, err := namesOf(records, mostEntries)
	if err != nil {
		return err
	}
	var marks []mark
	for _, name := range names {
		if !strings.HasSuffix(name, "."+phaseDone) {
			continue
		}
		if stat, err := statName(records, name); err == nil {
			marks = append(marks, mark{name, stat.Ctim.Nano()})
		}
	}
	slices.SortFunc(marks, func(a, b mark) int { return int(min(max(b.at-a.at, -1), 1)) })
	for _, old := range marks[min(len(marks), keptDone):] {
		if err := unix.Unlinkat(records, old.name, 0); err != nil {
			return err
		}
	}
	return nil
}

// A folderLog takes folder records.
type folderLog struct {
	file *os.File
	out  *bufio.Writer
	json *json.Encoder
}

func newFolderLog(records int, id string) (*folderLog, error) {
	file, err := openRecord(records, id, phaseFolders, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL)
	if err != nil {
		return nil, err
	}
	out := bufio.NewWriter(file)
	return &folderLog{file, out, json.NewEncoder(out)}, nil
}

func (l *folderLog) add(record folderRecord) error { return l.json.Encode(record) }

func (l *folderLog) end() error { return errors.Join(l.out.Flush(), l.file.Close()) }

// eachFolder gives what a folderLog took.
func eachFolder(records int, id string, do func(folderRecord) error) error {
	file, err := openRecord(records, id, phaseFolders, unix.O_RDONLY)
	if err != nil {
		return err
	}
	defer file.Close()
	in := json.NewDecoder(bufio.NewReader(file))
	for {
		var record folderRecord
		if err := in.Decode(&record); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if err := do(record); err != nil {
			return err
		}
	}
}
