package contract

import "github.com/trimtab/trimtab"

// Source is the digest of all contracts of a source, "" when it has none: a
// snapshot depends on it.
func (c *Contracts) Source(ws trimtab.Workspace, source string) (trimtab.Digest, error) {
	checkers, err := c.of(place{ws, trimtab.KindDataSource, source})
	if err != nil || len(checkers) == 0 {
		return "", err
	}
	var specs []trimtab.DataContractSpec
	for _, x := range checkers {
		specs = append(specs, x.spec)
	}
	return trimtab.StateDigest(specs), nil
}
