"""Read objects of KEDA, as JSON, by models that are made of its CRDs.

These take fields that they do not know, and forget them: what they give back must be what they were
given.
"""

import json
import sys

from cloudcoil.models.keda import v1alpha1

for given in json.loads(sys.argv[1]):
    model = getattr(v1alpha1, given["kind"]).model_validate(given)
    known = model.model_dump(by_alias=True, exclude_unset=True, mode="json")
    if known != given:
        sys.exit(f"KEDA does not know all of {given}, but {known}")
