"""Why a server lets a client in or not: a few questions, and the answer in one sentence.

All commands ask here when their first visit to a server has failed, and never before. The questions are
blocking calls on sockets of the standard library, so that the judge, the load and the doctor can all ask.
"""

from sioprobe.diagnosis.causes import Cause, Diagnosis
from sioprobe.diagnosis.diagnosing import QUESTION_SECONDS, diagnose
from sioprobe.diagnosis.visit import Visit

__all__ = ["QUESTION_SECONDS", "Cause", "Diagnosis", "Visit", "diagnose"]
