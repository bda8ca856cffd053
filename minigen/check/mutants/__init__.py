"""Does a test catch wrong derivatives?  They are planted one by one, and what it lets through is named.

print(prove(lambda backward: op_check(dense, backward, [x, w, b]), dense_backward))     # test(candidate)
print(prove(lambda: grad_check(layer, [x]), layer))                                     # planted inside: test()
must_bite(lambda: grad_check(minigen.tanh, [x], order=2), "tanh", order=2)              # raises where it is blind

| file | what |
|---|---|
| mutations.py | MUTATIONS: what can go wrong with a right derivative |
| planting.py, gates.py | plant: wrong rules; planted: an operation, a layer or a function made wrong for a while |
| proving.py, proof.py | prove, must_bite; what they found |
| listening.py, difference.py | what a test asks of the right rule; whether a wrong one can be told from it |
| formulas.py | FORMULAS: wrong values, which no gradient check can see |
"""

from minigen.check.mutants.formulas import FORMULAS, Formula
from minigen.check.mutants.mutations import MUTATIONS, Mutation
from minigen.check.mutants.planting import plant, planted
from minigen.check.mutants.proof import MutantError, Proof
from minigen.check.mutants.proving import must_bite, prove

__all__ = [
    "FORMULAS",
    "MUTATIONS",
    "Formula",
    "MutantError",
    "Mutation",
    "Proof",
    "must_bite",
    "plant",
    "planted",
    "prove",
]
