"""Why a server lets a client in or not: a few questions, and the answer in one sentence.

All commands ask here when their first visit to a server has failed. The judge asks before, too, whether
several processes answer: a visit may succeed by chance, and most cases would not. The questions are blocking
calls on sockets of the standard library, so that the judge, the load and the doctor can all ask.
"""

from sioprobe.diagnosis.causes import Cause, Diagnosis
from sioprobe.diagnosis.diagnosing import QUESTION_SECONDS, diagnose, diagnose_scattering
from sioprobe.diagnosis.visit import Visit

__all__ = ["QUESTION_SECONDS", "Cause", "Diagnosis", "Visit", "diagnose", "diagnose_scattering"]
