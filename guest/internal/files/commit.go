// commit.go owns Commit and finishing it after a crash; it never starts one that cannot end well.

package files

import (
	"context"
	"errors"
	"fmt"
	"os"

	"connectrpc.com/connect"
	"golang.org/x/sys/unix"

	guestv1 "pyro/guest/internal/gen/pyro/guest/v1"
)

const mostRemoved = 1_000_000

func (s *Service) Commit(ctx context.Context, request *connect.Request[guestv1.CommitRequest]) (*connect.Response[guestv1.CommitResponse], error) {
	id := request.Msg.StageId
	if err := checkStageID(id); err != nil {
		return nil, err
	}
	p, err := planOf(request.Msg)
	if err != nil {
		return nil, err
	}
	s.committing.Lock()
	defer s.committing.Unlock()
	f, _, leave, err := s.use(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	if !s.reserve(id) {
		return nil, connect.NewError(connect.CodeAborted, errors.New("this id is being staged"))
	}
	defer s.unreserve(id)
	if err := f.commit(id, p); err != nil {
		return nil, failure("commit", id, err)
	}
	return connect.NewResponse(&guestv1.CommitResponse{}), nil
}

func planOf(m *guestv1.CommitRequest) (plan, error) {
	if _, err := checkPath(m.Destination); err != nil {
		return plan{}, err
	}
	if len(m.Remove) > mostRemoved {
		return plan{}, invalid("remove: at most %d paths", mostRemoved)
	}
	for _, path := range m.Remove {
		if text, err := checkPath(path); err != nil || text == "" {
			return plan{}, errors.Join(err, invalid("remove %q: a path below /workspace", path))
		}
	}
	return plan{Destination: m.Destination, Remove: m.Remove}, nil
}

// commit does what is new, and finishes what was begun. From the plan on nothing cancels it.
func (f *folders) commit(id string, p plan) error {
	records, err := f.records()
	if err != nil {
		return err
	}
	defer closeFd(records)
	if f.hasPhase(id, phaseDone) {
		return nil
	}
	if !f.begun(id) {
		if err := f.check(records, id, p); err != nil {
			return errors.Join(err, f.discard(id))
		}
		first := phasePlan
		if len(p.Remove) == 0 {
			first = phaseMerge
		}
		if err := writePlan(records, id, first, p); err != nil {
			return err
		}
	}
	return f.finish(records, id)
}

// finish goes on from any phase.
func (f *folders) finish(records int, id string) error {
	if f.hasPhase(id, phasePlan) {
		p, err := readPlan(records, id, phasePlan)
		if err != nil {
			return err
		}
		for _, path := range p.Remove {
			if err := f.remove(string(path)); err != nil {
				return fmt.Errorf("remove %q: %w", path, err)
			}
		}
		if err := advance(records, id, phasePlan, phaseMerge); err != nil {
			return err
		}
	}
	p, err := readPlan(records, id, phaseMerge)
	if err != nil {
		return err
	}
	if err := f.merge(records, id, string(p.Destination)); err != nil {
		return err
	}
	err = errors.Join(f.removeStage(id), forget(records, id, phaseFolders))
	if err != nil {
		return err
	}
	return errors.Join(unix.Renameat(records, phaseFile(id, phaseMerge), records, phaseFile(id, phaseDone)), prune(records))
}

// recover finishes commits that were begun, and removes stages that were not. It fails only where the disk does:
// what programs have put in the way of a commit keeps it waiting for the next mount.
func (f *folders) recover() error {
	records, err := openName(f.disk, stagingName, openFolder)
	if err == unix.ENOENT {
		return nil
	}
	if err != nil {
		return err
	}
	defer closeFd(records)
	return f.eachRecord(records, func(id, phase string) {
		var err error
		switch {
		case phase == phasePlan || phase == phaseMerge:
			err = f.finish(records, id)
		case phase == phaseFolders && !f.begun(id):
			err = f.discard(id)
		case phase == phaseNew:
			err = forget(records, id, phaseNew)
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "pyro-guest: staged %s: %v\n", id, err)
		}
	})
}
