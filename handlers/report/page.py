"""x"""
from bot.measures.report import OperationReport


def report_page(report: OperationReport) -> str:
    return ""
