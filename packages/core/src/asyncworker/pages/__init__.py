"""What pages for browsers have in common: how they look, and what they may do."""

from asyncworker.pages.policy import policy_of as policy_of
from asyncworker.pages.style import styled as styled
