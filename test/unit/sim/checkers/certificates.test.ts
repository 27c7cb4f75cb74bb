import { expect } from 'chai';
import {
  signGrant,
  type ClaimTerms,
  type Grant,
  type LeaseCertificate,
} from '../../../../dhcp/certificate.js';
import { Certificates } from '../../../../sim/checkers/certificates.js';
import { Violations } from '../../../../sim/checkers/checker.js';
import type { VirtualNode } from '../../../../sim/world/virtual-node.js';
import type { World } from '../../../../sim/world/world.js';
import { fakeLease, found, idleWorld } from '../../../support/sim/fakes.js';

describe('the checker of certificates', () => {
  let world: World;
  let nodes: VirtualNode[];
  let violations: Violations;
  let checker: Certificates;

  beforeEach(() => {
    world = idleWorld();
    nodes = Array.from({ length: 8 }, () => world.add());
    violations = new Violations();
    checker = new Certificates(world, violations);
  });

  function terms(): ClaimTerms {
    return {
      ...fakeLease('10.77.0.1'),
      owner: nodes[0]!.peer,
      view: nodes.map(({ peer }) => peer),
    };
  }

  function grantOf(node: VirtualNode, signed: ClaimTerms): Grant {
    const { secretKey, networkId } = node.identity;
    const signature = signGrant(world.crypto, secretKey, networkId, signed);
    return { witness: node.peer, signature, membership: new Uint8Array() };
  }

  function shown(certificate: LeaseCertificate): string[] {
    checker.heard({ kind: 'lease', node: nodes[0]!, certificate, untilMs: 1 }, 0);
    return found(violations).map((text) => text.replace(/^.* in which /, ''));
  }

  it('takes six grants of eight witnesses', () => {
    const claim = terms();
    const grants = nodes.slice(0, 6).map((node) => grantOf(node, claim));
    expect(shown({ ...claim, grants })).to.deep.equal([]);
  });

  it('finds one grant too few', () => {
    const claim = terms();
    const grants = nodes.slice(0, 5).map((node) => grantOf(node, claim));
    expect(shown({ ...claim, grants })).to.deep.equal(['5 of 8 granted']);
  });

  it('finds a grant that counts twice', () => {
    const claim = terms();
    const grants = nodes.slice(0, 5).map((node) => grantOf(node, claim));
    expect(shown({ ...claim, grants: [...grants, grants[0]!] })).to.deep.equal(['5 of 8 granted']);
  });

  it('finds a witness that is named twice', () => {
    const claim = { ...terms(), view: [...terms().view.slice(1), nodes[1]!.peer] };
    const grants = nodes.slice(1, 7).map((node) => grantOf(node, claim));
    expect(shown({ ...claim, grants })).to.deep.equal(['a witness is named twice']);
  });

  it('finds a grant of somebody who is no witness', () => {
    const claim = { ...terms(), view: terms().view.slice(0, 4) };
    const grants = nodes.slice(2, 7).map((node) => grantOf(node, claim));
    expect(shown({ ...claim, grants })).to.deep.equal(['somebody granted who is no witness']);
  });

  it('finds a signature under something else, and one of somebody else', () => {
    const claim = terms();
    const grants = nodes.slice(0, 6).map((node) => grantOf(node, claim));
    const renewed = { ...claim, renewal: 1, grants };
    expect(shown(renewed)).to.deep.equal(['a grant is not signed by its witness']);
    const forged = { ...grantOf(nodes[6]!, claim), witness: nodes[5]!.peer };
    const other = { ...claim, grants: [...grants.slice(0, 5), forged] };
    expect(shown(other)).to.have.length(2);
  });
});
